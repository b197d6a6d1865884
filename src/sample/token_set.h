/* token_set.h - a set of tokens of a vocabulary: token i is in it if bit i % 64 of word i / 64 is set. Bits after the last
 * token are ignored. */
#ifndef SUMI_SAMPLE_TOKEN_SET_H
#define SUMI_SAMPLE_TOKEN_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOKEN_SET_BITS = 64 };

static inline size_t token_set_words(int32_t n_vocab)
{
    return ((size_t)n_vocab + TOKEN_SET_BITS - 1) / TOKEN_SET_BITS;
}

static inline bool token_set_has(const uint64_t *set, int32_t id)
{
    return set[id / TOKEN_SET_BITS] >> (id % TOKEN_SET_BITS) & 1;
}

static inline void token_set_add(uint64_t *set, int32_t id)
{
    set[id / TOKEN_SET_BITS] |= (uint64_t)1 << (id % TOKEN_SET_BITS);
}

static inline void token_set_remove(uint64_t *set, int32_t id)
{
    set[id / TOKEN_SET_BITS] &= ~((uint64_t)1 << (id % TOKEN_SET_BITS));
}

/* The first n tokens are all in the set. */
static inline bool token_set_is_full(const uint64_t *set, int32_t n)
{
    int32_t i = 0;
    for (; i + TOKEN_SET_BITS <= n; i += TOKEN_SET_BITS)
        if (~set[i / TOKEN_SET_BITS]) return false;
    return i == n || ~set[i / TOKEN_SET_BITS] << (TOKEN_SET_BITS - (n - i)) == 0;
}

#endif
