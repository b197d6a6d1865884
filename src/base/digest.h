/* digest.h - a number for many bytes, so that it shows whether they are others: fast enough for all weights of a model.
 *
 * A piece of bytes gives four sums, each over a quarter of its 16-byte words (a, b):
 *
 *   s = s * P + fold((a ^ K) * (b ^ L))        fold: the upper half of the product of 128 bits xor the lower half
 *
 * which SipHash makes two numbers of 64 bits of, with the piece's place and length; the digest is the sum of all pieces', in
 * any order. Two models agree by accident with a chance of about 2^-64. Whoever makes bytes for that purpose can do it: the
 * constants are known. */
#ifndef SUMI_BASE_DIGEST_H
#define SUMI_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct byte_digest {
    uint64_t word[2];
} byte_digest;

/* One piece more. place: numbers that no other piece has. */
void digest_add(byte_digest *d, uint64_t place, uint64_t in_place, const void *bytes, size_t n_bytes);

#endif
