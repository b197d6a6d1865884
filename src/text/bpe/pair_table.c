/* pair_table.c - see pair_table.h. */
#include "text/bpe/pair_table.h"

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
    uint64_t pair = pair_key(left, right), i = hash_u64(t->key, pair) & t->mask;
    while (t->slots[i].rank_1 && t->slots[i].pair != pair) i = (i + 1) & t->mask;
    if (!t->slots[i].rank_1) t->slots[i] = (pair_slot){ pair, rank + 1, merged };
}

/* The token that left and right make, or -1. Trainers number tokens in the order of their merges, so the one
 * after the last is tried first: the table of symbols is larger than the caches near the core. */
static int32_t find_joined(const vocab *v, int32_t guess, gguf_str left, gguf_str right)
{
    char joined[VOCAB_MAX_TOKEN_BYTES];
    size_t n = left.n + right.n;
    const vocab_text *t = &v->symbol[guess];
    if (n > v->max_symbol_bytes) return -1;
    if (t->n == n && !v->has_duplicates && vocab_can_merge(v, guess) && !memcmp(t->data, left.data, left.n) &&
        !memcmp(t->data + left.n, right.data, right.n))
        return guess;
    memcpy(joined, left.data, left.n);
    memcpy(joined + left.n, right.data, right.n);
    return vocab_find(v, joined, n);
}

/* "LEFT RIGHT": the first space after the first byte divides the parts, because in some vocabularies a part may begin with
 * a space. *last is the token of the last merge; *merge is the parsed merge. False: the line does not have two parts. */
static bool add_line(pair_table *t, const vocab *v, gguf_str line, uint32_t rank, int32_t *last, pair_merge *merge)
{
    *merge = (pair_merge){ -1, -1, -1 };
    const char *space = line.n > 2 ? memchr(line.data + 1, ' ', line.n - 2) : NULL;
    if (!space) return false;
    gguf_str left = { line.data, (size_t)(space - line.data) }, right = { space + 1, line.n - left.n - 1 };
    int32_t left_id = vocab_find(v, left.data, left.n), right_id = vocab_find(v, right.data, right.n);
    if (left_id < 0 || right_id < 0) return true;
    int32_t merged = find_joined(v, *last + 1 < v->n_tokens ? *last + 1 : 0, left, right);
    if (merged < 0) return true;
    add(t, left_id, right_id, rank, merged);
    *last = merged;
    *merge = (pair_merge){ left_id, right_id, merged };
    return true;
}

sumi_status pair_table_init(pair_table *t, const vocab *v, const model_source *src, pair_merge **list, size_t *n_list,
                            sumi_error *err)
{
    gguf_array merges;
    *t = (pair_table){ 0 };
    if (list) *list = NULL;
    if (!model_source_get_array(src, "tokenizer.ggml.merges", &merges) || (merges.type != GGUF_STRING && merges.n))
        return sumi_fail(err, SUMI_EFORMAT, "%s: tokenizer.ggml.merges is missing or no array of strings",
                         model_source_name(src));
    if (merges.n > MAX_MERGES)
        return sumi_fail(err, SUMI_ELIMIT, "%s: %llu merges; at most %d are possible", model_source_name(src),
                         (unsigned long long)merges.n, MAX_MERGES);
    uint64_t n_slots = 16;
    while (n_slots < merges.n + merges.n / 2) n_slots *= 2;
    t->key = hash_key_draw();
    t->mask = n_slots - 1;
    if (!(t->slots = calloc(n_slots, sizeof *t->slots)))
        return sumi_fail(err, SUMI_ENOMEM, "table of %llu merges: out of memory", (unsigned long long)merges.n);
    if (list && !(*list = malloc((merges.n + 1) * sizeof **list)))
        return sumi_fail(err, SUMI_ENOMEM, "list of %llu merges: out of memory", (unsigned long long)merges.n);
    if (list) *n_list = (size_t)merges.n;
    int32_t last = -1;
    pair_merge unused;
    for (uint64_t i = 0; i < merges.n; i++)
        if (!add_line(t, v, model_source_array_str(src, &merges, i), (uint32_t)i, &last, list ? &(*list)[i] : &unused))
            return sumi_fail(err, SUMI_EFORMAT, "%s: merge %llu is not two parts with a space between",
                             model_source_name(src), (unsigned long long)i);
    return SUMI_OK;
}
