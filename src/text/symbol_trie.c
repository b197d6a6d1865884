/* symbol_trie.c - see symbol_trie.h. */
#include "text/symbol_trie.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct entry {
    uint64_t head; /* the first eight bytes, the first one highest: it decides most comparisons */
    vocab_text text;
    int32_t id;
} entry;

void symbol_trie_deinit(symbol_trie *t)
{
    free(t->nodes);
    free(t->labels);
    *t = (symbol_trie){ 0 };
}

static uint64_t read_head(const vocab_text *t)
{
    uint64_t head = 0;
    for (uint32_t i = 0; i < 8; i++) head = head << 8 | (i < t->n ? (uint8_t)t->data[i] : 0);
    return head;
}

/* By bytes, then by id. */
static int compare(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    uint32_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
    int order = memcmp(a->text.data, b->text.data, n);
    if (order) return order;
    if (a->text.n != b->text.n) return a->text.n < b->text.n ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

/* The tokens in order, each text once. *n_bytes: of all of them together. NULL: no memory (or a limit, err). */
static entry *sort_tokens(const vocab *v, const gguf *g, size_t *n, size_t *n_bytes, sumi_status *status,
                          sumi_error *err)
{
    entry *a = malloc((size_t)v->n_tokens * sizeof *a);
    *n = *n_bytes = 0;
    if (!a) *status = sumi_fail(err, SUMI_ENOMEM, "trie of %d tokens: out of memory", v->n_tokens);
    for (int32_t i = 0; a && i < v->n_tokens; i++) {
        const vocab_text *t = &v->raw[i];
        if (!t->n || !vocab_can_merge(v, i) || v->kind[i] == TOKEN_UNUSED) continue;
        if (t->n > SYMBOL_TRIE_MAX_BYTES) {
            *status = sumi_fail(err, SUMI_ELIMIT,
                                "%s: token %d has %u bytes; at most %d are possible in this model",
                                gguf_name(g), i, t->n, SYMBOL_TRIE_MAX_BYTES);
            free(a);
            return NULL;
        }
        a[(*n)++] = (entry){ read_head(t), *t, i };
        *n_bytes += t->n;
    }
    if (a && *n) qsort(a, *n, sizeof *a, compare);
    return a;
}

typedef struct range {
    uint32_t low, high; /* of the sorted tokens: those that go through a node */
} range;

/* Appends the children of node, whose tokens agree in the first `depth` bytes, and says which tokens are theirs. */
static void add_children(symbol_trie *t, uint32_t node, uint32_t depth, const entry *a, range *ranges)
{
    uint32_t i = ranges[node].low, high = ranges[node].high;
    t->nodes[node] = (trie_node){ t->n_nodes, -1 };
    while (i < high && a[i].text.n == depth) t->nodes[node].id = a[i++].id; /* the last of equal ones stays */
    while (i < high) {
        uint32_t end = i + 1;
        uint8_t byte = (uint8_t)a[i].text.data[depth];
        while (end < high && (uint8_t)a[end].text.data[depth] == byte) end++;
        t->labels[t->n_nodes] = byte;
        ranges[t->n_nodes++] = (range){ i, end };
        i = end;
    }
}

static bool build(symbol_trie *t, const entry *a, size_t n, size_t n_bytes)
{
    range *ranges = malloc((n_bytes + 1) * sizeof *ranges);
    t->nodes = malloc((n_bytes + 2) * sizeof *t->nodes);
    t->labels = malloc(n_bytes + 1);
    if (!ranges || !t->nodes || !t->labels) {
        free(ranges);
        return false;
    }
    ranges[0] = (range){ 0, (uint32_t)n };
    t->labels[0] = 0;
    t->n_nodes = 1;
    uint32_t depth = 0, level_end = 1; /* where the nodes of this depth end */
    for (uint32_t node = 0; node < t->n_nodes; node++) {
        if (node == level_end) {
            level_end = t->n_nodes;
            depth++;
        }
        add_children(t, node, depth, a, ranges);
    }
    t->nodes[t->n_nodes] = (trie_node){ t->n_nodes, -1 };
    for (uint32_t child = t->nodes[0].first; child < t->nodes[1].first; child++)
        t->by_byte[t->labels[child]] = child;
    free(ranges);
    return true;
}

sumi_status symbol_trie_init(symbol_trie *t, const vocab *v, const gguf *g, sumi_error *err)
{
    size_t n, n_bytes;
    sumi_status status = SUMI_OK;
    *t = (symbol_trie){ 0 };
    entry *a = sort_tokens(v, g, &n, &n_bytes, &status, err);
    if (!a) return status;
    if (n_bytes >= UINT32_MAX - 2)
        status = sumi_fail(err, SUMI_ELIMIT, "%s: the tokens have %zu bytes; less than 4 GiB are possible",
                           gguf_name(g), n_bytes);
    else if (!build(t, a, n, n_bytes))
        status = sumi_fail(err, SUMI_ENOMEM, "trie of %d tokens: out of memory", v->n_tokens);
    free(a);
    return status;
}
