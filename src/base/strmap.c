/* strmap.c - see strmap.h.
 *
 *   slots: | hash32, len32, key*, value | ... |   n_slots is a power of two; value == -1 marks an empty slot */
#include "base/strmap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

typedef struct slot {
    const char *key;
    size_t n_bytes;
    uint32_t hash;
    int32_t value;
} slot;

struct strmap {
    slot *slots;
    size_t mask, n_keys, max_keys;
    uint64_t k0, k1;
};

static inline uint64_t rotl(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotl(v[1], 13), v[1] ^= v[0], v[0] = rotl(v[0], 32);
    v[2] += v[3], v[3] = rotl(v[3], 16), v[3] ^= v[2];
    v[0] += v[3], v[3] = rotl(v[3], 21), v[3] ^= v[0];
    v[2] += v[1], v[1] = rotl(v[1], 17), v[1] ^= v[2], v[2] = rotl(v[2], 32);
}

static uint32_t sip13(const strmap *m, const char *p, size_t n)
{
    uint64_t v[4] = { m->k0 ^ 0x736f6d6570736575ULL, m->k1 ^ 0x646f72616e646f6dULL, m->k0 ^ 0x6c7967656e657261ULL,
                      m->k1 ^ 0x7465646279746573ULL };
    uint64_t last = (uint64_t)n << 56, word;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&word, p, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t i = 0; i < n; i++) last |= (uint64_t)(unsigned char)p[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(v);
    return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

strmap *strmap_create(size_t n_keys)
{
    size_t n_slots = 16;
    while (n_slots < n_keys * 2) {
        if (n_slots > SIZE_MAX / 4 / sizeof(slot)) return NULL;
        n_slots *= 2;
    }
    strmap *m = calloc(1, sizeof *m);
    if (!m || !(m->slots = malloc(n_slots * sizeof *m->slots))) {
        free(m);
        return NULL;
    }
    for (size_t i = 0; i < n_slots; i++) m->slots[i].value = -1;
    m->mask = n_slots - 1;
    m->max_keys = n_slots / 2;
    uint64_t key[2] = { (uint64_t)(uintptr_t)m, 0x9e3779b97f4a7c15ULL };
    if (getrandom(key, sizeof key, GRND_NONBLOCK) < 0) key[1] ^= (uint64_t)(uintptr_t)&key;
    m->k0 = key[0];
    m->k1 = key[1];
    return m;
}

void strmap_destroy(strmap *m)
{
    if (!m) return;
    free(m->slots);
    free(m);
}

/* The slot that holds key, or the empty one where it belongs. */
static slot *find(const strmap *m, const char *key, size_t n, uint32_t hash)
{
    for (size_t i = hash & m->mask;; i = (i + 1) & m->mask) {
        slot *s = &m->slots[i];
        if (s->value < 0 || (s->hash == hash && s->n_bytes == n && memcmp(s->key, key, n) == 0)) return s;
    }
}

int32_t strmap_add(strmap *m, const char *key, size_t n, int32_t value)
{
    assert(value >= 0);
    uint32_t hash = sip13(m, key, n);
    slot *s = find(m, key, n, hash);
    if (s->value < 0) {
        assert(m->n_keys < m->max_keys);
        m->n_keys++;
        *s = (slot){ key, n, hash, value };
    }
    return s->value;
}

int32_t strmap_get(const strmap *m, const char *key, size_t n)
{
    return find(m, key, n, sip13(m, key, n))->value;
}
