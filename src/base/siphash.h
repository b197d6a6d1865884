/* siphash.h - a keyed hash of short byte strings: SipHash-1-3 (Aumasson & Bernstein 2012).
 *
 * With a secret key, an attacker who chooses the strings cannot make them collide. With a known key the hash is a checksum
 * against accidental damage only. */
#ifndef SUMI_BASE_SIPHASH_H
#define SUMI_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct sip_key {
    uint64_t k0, k1;
} sip_key;

sip_key sip_key_draw(void); /* from the kernel's random numbers */
uint64_t siphash(sip_key key, const void *bytes, size_t n);

#endif
