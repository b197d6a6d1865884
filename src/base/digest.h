/* digest.h - a digest of many bytes, to notice that they have changed: fast enough for all weights of a model.
 *
 * A piece of bytes gives four sums, each over a quarter of its 16-byte words (a, b):
 *
 *   s = s * P + fold((a ^ K) * (b ^ L))        fold: the upper half of the product of 128 bits xor the lower half
 *
 * SipHash makes two 64-bit numbers of these sums, the piece's place and its length. The digest is the sum of the numbers
 * of all pieces, in any order. Two different models have the same digest by accident with a probability of about 2^-64. An
 * attacker can make bytes with a given digest, because the constants are known. */
#ifndef SUMI_BASE_DIGEST_H
#define SUMI_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct byte_digest {
    uint64_t word[2];
} byte_digest;

/* Adds a piece. place: two numbers that no other piece has. */
void digest_add(byte_digest *d, uint64_t place, uint64_t in_place, const void *bytes, size_t n_bytes);

#endif
