/* symbol_trie.c - see symbol_trie.h. */
#include "text/sentencepiece/symbol_trie.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct entry {
    uint64_t head; /* the first eight bytes, the first one highest: it decides most comparisons */
    int32_t id;
} entry;

void symbol_trie_deinit(symbol_trie *t)
{
    free(t->nodes);
    free(t->bytes);
    *t = (symbol_trie){ 0 };
}

static uint64_t read_head(const vocab_text *t)
{
    uint64_t head = 0;
    for (uint32_t i = 0; i < 8; i++) head = head << 8 | (i < t->n ? (uint8_t)t->data[i] : 0);
    return head;
}

/* By bytes, then by id. */
static int compare(const void *left, const void *right, void *raw)
{
    const entry *a = left, *b = right;
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    const vocab_text *s = (const vocab_text *)raw + a->id, *t = (const vocab_text *)raw + b->id;
    int order = memcmp(s->data, t->data, s->n < t->n ? s->n : t->n);
    if (order) return order;
    if (s->n != t->n) return s->n < t->n ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

/* The tokens in order. *n_bytes: of all of them together. NULL: *status says why. */
static entry *sort_tokens(const vocab *v, const model_source *src, size_t *n, size_t *n_bytes, sumi_status *status,
                          sumi_error *err)
{
    entry *a = malloc((size_t)v->n_tokens * sizeof *a);
    *n = *n_bytes = 0;
    if (!a) *status = sumi_fail(err, SUMI_ENOMEM, "trie of %d tokens: out of memory", v->n_tokens);
    for (int32_t i = 0; a && i < v->n_tokens; i++) {
        const vocab_text *t = &v->raw[i];
        if (!t->n || !vocab_can_merge(v, i) || v->kind[i] == TOKEN_UNUSED) continue;
        if (t->n > SYMBOL_TRIE_MAX_BYTES) {
            *status = sumi_fail(err, SUMI_ELIMIT, "%s: token %d has %u bytes; at most %d are possible in this model",
                                model_source_name(src), i, t->n, SYMBOL_TRIE_MAX_BYTES);
            free(a);
            return NULL;
        }
        a[(*n)++] = (entry){ read_head(t), i };
        *n_bytes += t->n;
    }
    if (a && *n) qsort_r(a, *n, sizeof *a, compare, v->raw);
    return a;
}

typedef struct builder {
    symbol_trie *t;
    const vocab_text *raw;
    const float *scores;
    const entry *sorted;
} builder;

static uint8_t byte_at(const builder *b, uint32_t i, uint32_t depth)
{
    return (uint8_t)b->raw[b->sorted[i].id].data[depth];
}

/* Where the tokens end that have the same byte at `depth` as token i. */
static uint32_t end_of_byte(const builder *b, uint32_t i, uint32_t high, uint32_t depth)
{
    uint32_t end = i + 1;
    while (end < high && byte_at(b, end, depth) == byte_at(b, i, depth)) end++;
    return end;
}

/* Fills a node and all nodes below it. The sorted tokens from low to high - 1 pass through the node: they are equal in
 * their first `depth` bytes. Recursion is no deeper than SYMBOL_TRIE_MAX_BYTES. */
static void fill_node(builder *b, uint32_t node, uint32_t low, uint32_t high, uint32_t depth)
{
    symbol_trie *t = b->t;
    for (; low < high && b->raw[b->sorted[low].id].n == depth; low++) { /* the last of equal ones stays */
        int32_t id = b->sorted[low].id;
        t->nodes[node].byte_id_1 = (t->nodes[node].byte_id_1 & 0xFF000000) | (uint32_t)(id + 1);
        t->nodes[node].score = b->scores[id];
    }
    uint32_t first = t->nodes[node].first = t->n_nodes;
    for (uint32_t i = low; i < high; i = end_of_byte(b, i, high, depth)) {
        t->bytes[t->n_nodes] = byte_at(b, i, depth);
        t->nodes[t->n_nodes++] = (trie_node){ .byte_id_1 = (uint32_t)byte_at(b, i, depth) << 24 };
    }
    t->nodes[node].n_children = t->n_nodes - first;
    for (uint32_t i = low, end, child = first; i < high; i = end, child++) {
        end = end_of_byte(b, i, high, depth);
        fill_node(b, child, i, end, depth + 1);
    }
}

static bool build(symbol_trie *t, const vocab *v, const float *scores, const entry *sorted, size_t n, size_t n_bytes)
{
    builder b = { t, v->raw, scores, sorted };
    t->nodes = malloc((n_bytes + 1) * sizeof *t->nodes);
    t->bytes = malloc(n_bytes + 1);
    if (!t->nodes || !t->bytes) return false;
    t->nodes[0] = (trie_node){ 0 };
    t->bytes[0] = 0;
    t->n_nodes = 1;
    fill_node(&b, 0, 0, (uint32_t)n, 0);
    for (uint32_t i = 0; i < t->nodes[0].n_children; i++) t->by_byte[t->nodes[1 + i].byte_id_1 >> 24] = 1 + i;
    return true;
}

sumi_status symbol_trie_init(symbol_trie *t, const vocab *v, const float *scores, const model_source *src,
                             sumi_error *err)
{
    size_t n, n_bytes;
    sumi_status status = SUMI_OK;
    *t = (symbol_trie){ 0 };
    if (v->n_tokens > SYMBOL_TRIE_MAX_TOKENS)
        return sumi_fail(err, SUMI_ELIMIT, "%s: %d tokens; at most %d are possible in this model",
                         model_source_name(src), v->n_tokens, SYMBOL_TRIE_MAX_TOKENS);
    entry *a = sort_tokens(v, src, &n, &n_bytes, &status, err);
    if (!a) return status;
    if (n_bytes >= UINT32_MAX - 2)
        status = sumi_fail(err, SUMI_ELIMIT, "%s: the tokens have %zu bytes; less than 4 GiB are possible",
                           model_source_name(src), n_bytes);
    else if (!build(t, v, scores, a, n, n_bytes))
        status = sumi_fail(err, SUMI_ENOMEM, "trie of %d tokens: out of memory", v->n_tokens);
    free(a);
    return status;
}
