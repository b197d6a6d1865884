/* penalties.c - see penalties.h. */
#include "sample/penalties.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

sumi_status penalties_init(penalties *p, int32_t n_vocab, int32_t last_n)
{
    *p = (penalties){ .n_vocab = n_vocab, .last_n = last_n };
    p->max_seen = last_n > 0 && last_n < n_vocab ? last_n : n_vocab;
    p->seen = mem_map((size_t)p->max_seen * sizeof *p->seen);
    if (last_n > 0) p->ring = calloc((size_t)last_n, sizeof *p->ring);
    if (p->seen && (last_n < 0 || p->ring)) return SUMI_OK;
    penalties_deinit(p);
    return SUMI_ENOMEM;
}

void penalties_deinit(penalties *p)
{
    mem_unmap(p->seen, (size_t)p->max_seen * sizeof *p->seen);
    free(p->ring);
    *p = (penalties){ 0 };
}

/* The place of id in the list or, if it is missing, the place to insert it. */
static seen_token *find(const penalties *p, int32_t id)
{
    int32_t low = 0, high = p->n_seen;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (p->seen[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return p->seen + low;
}

static size_t bytes_from(const penalties *p, const seen_token *t)
{
    return (size_t)(p->seen + p->n_seen - t) * sizeof *t;
}

static void count_up(penalties *p, int32_t id)
{
    seen_token *t = find(p, id);
    if (t == p->seen + p->n_seen || t->id != id) {
        memmove(t + 1, t, bytes_from(p, t));
        *t = (seen_token){ .id = id };
        p->n_seen++;
    }
    if (t->count < INT32_MAX) t->count++;
}

static void count_down(penalties *p, int32_t id)
{
    seen_token *t = find(p, id);
    if (--t->count > 0) return;
    memmove(t, t + 1, bytes_from(p, t + 1));
    p->n_seen--;
}

static void accept_one(penalties *p, int32_t id)
{
    if (id < 0 || id >= p->n_vocab) return;
    if (p->ring && p->n_ring == p->last_n) {
        count_down(p, p->ring[p->oldest]);
        p->ring[p->oldest] = id;
        p->oldest = p->oldest + 1 == p->last_n ? 0 : p->oldest + 1;
    } else if (p->ring) {
        p->ring[p->n_ring++] = id;
    }
    count_up(p, id);
}

void penalties_accept(penalties *p, const int32_t *ids, int32_t n_ids)
{
    for (int32_t i = 0; i < n_ids; i++) accept_one(p, ids[i]);
}

float penalised(float x, int32_t count, const sumi_sampling *params)
{
    x = x > 0 ? x / params->repeat_penalty : x * params->repeat_penalty;
    x -= (float)count * params->frequency_penalty + params->presence_penalty;
    /* Extreme settings may overflow. With infinities the order of tokens would be lost. */
    return x > FLT_MAX ? FLT_MAX : x;
}
