/* word_cache.c - see word_cache.h. */
#include "text/word_cache.h"

_Static_assert(WORD_CACHE_MAX_BYTES <= UINT8_MAX, "word_slot keeps the length in a byte");

#define MIN_TEXT  256   /* bytes: for shorter texts a cache gains nothing */
#define MAX_SLOTS 16384 /* 256 KiB, which fits beside the merge table in a second-level cache */

void word_cache_init(word_cache *c, hash_key key, const char *text, size_t n_text)
{
    size_t n_slots = 64;
    *c = (word_cache){ .key = key, .text = text, .n_text = n_text };
    if (n_text < MIN_TEXT || n_text > UINT32_MAX) return;
    while (n_slots < n_text / 4 && n_slots < MAX_SLOTS) n_slots *= 2;
    c->mask = n_slots - 1;
    c->slots = calloc(n_slots, sizeof *c->slots);
}

void word_cache_deinit(word_cache *c)
{
    free(c->slots);
    c->slots = NULL;
}

static bool fits(const word_cache *c, const char *word, size_t n)
{
    size_t at = (size_t)((uintptr_t)word - (uintptr_t)c->text); /* huge for other memory */
    return c->slots && n && n <= WORD_CACHE_MAX_BYTES && at < c->n_text && n <= c->n_text - at;
}

/* Whether the slot holds a word of these properties, which the bytes themselves have still to confirm. */
static bool may_be(const word_slot *s, uint32_t tag, word_kind kind, size_t n)
{
    return s->tag == tag && s->n_bytes == n && s->kind == kind;
}

bool word_cache_get(const word_cache *c, word_kind kind, const char *word, size_t n, id_list *ids)
{
    if (!fits(c, word, n)) return false;
    uint64_t hash = hash_bytes(c->key, word, n), i = hash & c->mask;
    uint32_t tag = (uint32_t)(hash >> 32);
    const word_slot *s = &c->slots[i];
    if (!may_be(s, tag, kind, n)) s = &c->slots[i ^ 1];
    if (!may_be(s, tag, kind, n) || memcmp(c->text + s->at_text, word, n) != 0) return false;
    if (!id_list_reserve(ids, s->n_ids)) return true; /* the list says itself that it failed */
    memcpy(ids->ids + ids->n, ids->ids + s->at_ids, s->n_ids * sizeof *ids->ids);
    ids->n += s->n_ids;
    return true;
}

void word_cache_put(word_cache *c, word_kind kind, const char *word, size_t n, const id_list *ids, size_t first)
{
    if (!fits(c, word, n) || ids->failed || ids->n > UINT32_MAX || ids->n - first > UINT16_MAX) return;
    uint64_t hash = hash_bytes(c->key, word, n), i = hash & c->mask;
    word_slot *s = &c->slots[i];
    if (s->n_bytes) s = &c->slots[i ^ 1];
    *s = (word_slot){ (uint32_t)(hash >> 32), (uint32_t)(word - c->text), (uint32_t)first, (uint8_t)n,
                      (uint8_t)kind,          (uint16_t)(ids->n - first) };
}
