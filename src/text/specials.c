/* specials.c - see specials.h. */
#include "text/specials.h"

#include <stdlib.h>

#include "base/error.h"

void specials_deinit(specials *s)
{
    free(s->nodes);
    free(s->edges);
    *s = (specials){ 0 };
}

static special_edge *find_edge(const specials *s, uint32_t node, uint8_t byte)
{
    uint32_t from_byte = node << 8 | byte;
    for (uint64_t i = hash_u64(s->key, from_byte) & s->mask;; i = (i + 1) & s->mask)
        if (!s->edges[i].to || s->edges[i].from_byte == from_byte) return &s->edges[i];
}

bool specials_has(const vocab *v, int32_t id)
{
    if (v->raw[id].n == 0) return false;
    if (v->kind[id] == TOKEN_CONTROL || v->kind[id] == TOKEN_UNKNOWN) return true;
    /* A run of spaces in SentencePiece is found by merging, as `tokenizers` does: symbol and raw text differ. */
    return v->kind[id] == TOKEN_USER_DEFINED && v->raw[id].data == v->symbol[id].data;
}

static void add(specials *s, const special_token *token)
{
    const vocab_text *t = &token->text;
    uint32_t node = 0;
    if (!t->n) return;
    for (uint32_t i = 0; i < t->n; i++) {
        uint8_t byte = (uint8_t)t->data[i];
        special_edge *e = find_edge(s, node, byte);
        if (!e->to) {
            s->nodes[s->n_nodes] = (special_node){ -1, -1 };
            *e = (special_edge){ node << 8 | byte, s->n_nodes++ };
            if (i == 0) s->first[byte] = e->to;
        }
        node = e->to;
    }
    if (token->user) {
        s->nodes[node].user = token->id;
        s->first_user[(uint8_t)t->data[0]] = true;
    } else {
        s->nodes[node].control = token->id;
    }
}

sumi_status specials_init(specials *s, const special_token *tokens, size_t n, sumi_error *err)
{
    *s = (specials){ 0 };
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (tokens[i].text.n > SPECIALS_MAX_TOKEN_BYTES)
            return sumi_fail(err, SUMI_ELIMIT, "special token %d has %u bytes; at most %d are possible", tokens[i].id,
                             tokens[i].text.n, SPECIALS_MAX_TOKEN_BYTES);
        bytes += tokens[i].text.n;
    }
    if (bytes >= SPECIALS_MAX_BYTES) /* so that a node and a byte fit in 32 bits */
        return sumi_fail(err, SUMI_ELIMIT, "the special tokens have %zu bytes; at most %d are possible", bytes,
                         SPECIALS_MAX_BYTES);
    uint64_t n_slots = 16;
    while (n_slots < 2 * bytes) n_slots *= 2;
    s->mask = n_slots - 1;
    s->key = hash_key_draw();
    s->nodes = malloc((bytes + 1) * sizeof *s->nodes);
    s->edges = calloc(n_slots, sizeof *s->edges);
    if (!s->nodes || !s->edges) return sumi_fail(err, SUMI_ENOMEM, "special tokens: out of memory");
    s->nodes[0] = (special_node){ -1, -1 };
    s->n_nodes = 1;
    for (size_t i = 0; i < n; i++) add(s, &tokens[i]);
    return SUMI_OK;
}

int32_t specials_find(const specials *s, const char *text, size_t n, size_t from, bool control, size_t *start,
                      size_t *end)
{
    for (size_t at = from; at < n; at++) {
        uint8_t byte = (uint8_t)text[at];
        if (!s->first[byte] || (!control && !s->first_user[byte])) continue;
        int32_t best = -1;
        uint32_t node = s->first[byte];
        for (size_t i = at + 1;; i++) {
            int32_t id = control && s->nodes[node].control >= 0 ? s->nodes[node].control : s->nodes[node].user;
            if (id >= 0) {
                best = id;
                *end = i;
            }
            if (i == n || !(node = find_edge(s, node, (uint8_t)text[i])->to)) break;
        }
        if (best < 0) continue;
        *start = at;
        return best;
    }
    return -1;
}
