/* keyed_hash.h - a fast hash for the tables that are looked up for every token.
 *
 * Folded multiplication: the 128-bit product of (data ^ key) and a second key, its halves xor-ed (the step of wyhash and
 * of Rust's aHash). The keys are random for each table, so nobody can write a vocabulary that collides on purpose.
 * strmap's SipHash is stronger but three times slower, which matters for 262,144 tokens at the start. */
#ifndef SUMI_BASE_KEYED_HASH_H
#define SUMI_BASE_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct hash_key {
    uint64_t k0, k1;
} hash_key;

hash_key hash_key_draw(void); /* from the kernel's random numbers */

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t hash_u64(hash_key k, uint64_t x)
{
    return hash_fold(x ^ k.k0, k.k1);
}

/* n <= 8 bytes as a number; different bytes of the same n give different numbers. Reads no byte beyond them. */
static inline uint64_t hash_load(const char *p, size_t n)
{
    uint64_t x = 0;
    if (n >= 4) { /* two loads that may overlap: they cover every byte */
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        return low | (uint64_t)high << 32;
    }
    if (n) x = (unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << 8 | (uint64_t)(unsigned char)p[n - 1] << 16;
    return x;
}

static inline uint64_t hash_bytes(hash_key k, const char *p, size_t n)
{
    uint64_t h = k.k0 ^ n;
    for (; n > 8; n -= 8, p += 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        h = hash_fold(h ^ x, k.k1);
    }
    return hash_fold(h ^ hash_load(p, n), k.k1);
}

#endif
