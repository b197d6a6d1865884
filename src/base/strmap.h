/* strmap.h - a hash table from byte strings to int32 values, built once and read often.
 *
 * Open addressing with linear probing at a load of at most one half; keys are borrowed, not copied. The hash is SipHash
 * (siphash.h) with a random key for each map, because keys come from files: a vocabulary that was written to collide must
 * not make lookups slow. */
#ifndef SUMI_BASE_STRMAP_H
#define SUMI_BASE_STRMAP_H

#include "sumi.h"

typedef struct strmap strmap;

/* Room for n_keys keys; more than that must not be added. NULL: out of memory. */
strmap *strmap_create(size_t n_keys);
void strmap_destroy(strmap *map);

/* Adds key -> value unless the map has the key. Returns the value of the key in the map, so `strmap_add(m, k, n, v) != v`
 * means a duplicate. The bytes of key must outlive the map. value >= 0. */
int32_t strmap_add(strmap *map, const char *key, size_t n_bytes, int32_t value);
int32_t strmap_get(const strmap *map, const char *key, size_t n_bytes); /* -1: not there */

#endif
