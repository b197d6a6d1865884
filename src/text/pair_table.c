/* pair_table.c - see pair_table.h. */
#include "text/pair_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_MERGES (1 << 26)

void pair_table_deinit(pair_table *t)
{
    free(t->slots);
    *t = (pair_table){ 0 };
}

static void add(pair_table *t, int32_t left, int32_t right, uint32_t rank, int32_t merged)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right, i = hash_u64(t->key, pair) & t->mask;
    while (t->slots[i].rank_1 && t->slots[i].pair != pair) i = (i + 1) & t->mask;
    if (!t->slots[i].rank_1) t->slots[i] = (pair_slot){ pair, rank + 1, merged };
}

/* "LEFT RIGHT": the first space after the first byte divides, for a part may itself begin with a space in vocabularies
 * that write it so. False: not two parts. */
static bool add_line(pair_table *t, const vocab *v, gguf_str line, uint32_t rank)
{
    char joined[2 * VOCAB_MAX_TOKEN_BYTES];
    const char *space = line.n > 2 ? memchr(line.data + 1, ' ', line.n - 2) : NULL;
    if (!space) return false;
    size_t n_left = (size_t)(space - line.data), n_right = line.n - n_left - 1;
    if (n_left + n_right > v->max_symbol_bytes) return true;
    int32_t left = vocab_find(v, line.data, n_left), right = vocab_find(v, space + 1, n_right);
    if (left < 0 || right < 0) return true;
    memcpy(joined, line.data, n_left);
    memcpy(joined + n_left, space + 1, n_right);
    int32_t merged = vocab_find(v, joined, n_left + n_right);
    if (merged >= 0) add(t, left, right, rank, merged);
    return true;
}

sumi_status pair_table_init(pair_table *t, const vocab *v, const gguf *g, sumi_error *err)
{
    gguf_array merges;
    *t = (pair_table){ 0 };
    if (!gguf_get_array(g, "tokenizer.ggml.merges", &merges) || (merges.type != GGUF_STRING && merges.n))
        return sumi_fail(err, SUMI_EFORMAT, "%s: tokenizer.ggml.merges is missing or no array of strings", gguf_name(g));
    if (merges.n > MAX_MERGES)
        return sumi_fail(err, SUMI_ELIMIT, "%s: %llu merges; at most %d are possible", gguf_name(g),
                         (unsigned long long)merges.n, MAX_MERGES);
    uint64_t n_slots = 16;
    while (n_slots < merges.n + merges.n / 2) n_slots *= 2;
    t->key = hash_key_draw();
    t->mask = n_slots - 1;
    if (!(t->slots = calloc(n_slots, sizeof *t->slots)))
        return sumi_fail(err, SUMI_ENOMEM, "table of %llu merges: out of memory", (unsigned long long)merges.n);
    for (uint64_t i = 0; i < merges.n; i++)
        if (!add_line(t, v, gguf_array_str(g, &merges, i), (uint32_t)i))
            return sumi_fail(err, SUMI_EFORMAT, "%s: merge %llu is not two parts with a space between", gguf_name(g),
                             (unsigned long long)i);
    return SUMI_OK;
}
