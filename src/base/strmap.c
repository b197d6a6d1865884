/* strmap.c - see strmap.h.
 *
 *   slots: | hash32, len32, key*, value | ... |   n_slots is a power of two; value == -1 marks an empty slot */
#include "base/strmap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

typedef struct slot {
    const char *key;
    size_t n_bytes;
    uint32_t hash;
    int32_t value;
} slot;

struct strmap {
    slot *slots;
    size_t mask, n_keys, max_keys;
    sip_key key;
};

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
    m->key = sip_key_draw();
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
    uint32_t hash = (uint32_t)siphash(m->key, key, n);
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
    return find(m, key, n, (uint32_t)siphash(m->key, key, n))->value;
}
