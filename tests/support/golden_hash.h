/* golden_hash.h - golden files that keep a hash instead of long lists of numbers, and bytes in base64. */
#ifndef TEST_GOLDEN_HASH_H
#define TEST_GOLDEN_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define GOLDEN_HASH_START 2166136261u

/* FNV-1a, 32 bits, over little-endian 32-bit numbers, going on from `value`. */
uint32_t golden_hash(const uint32_t *numbers, size_t n, uint32_t value);

/* Whether the low 24 bits of value are those of hash number i in base64: four characters for each, the highest byte
 * first. */
int golden_hash_equals(const char *hashes, size_t i, uint32_t value);

/* The bytes of a base64 text, freed with free(). */
uint8_t *golden_base64(const char *text, size_t *n_bytes);

/* A file of tests/golden ("tokenizer/texts" for tokenizer/texts.json), freed with json_decref(). Fails the test if it
 * is not there. */
json_t *golden_load(const char *name);

#endif
