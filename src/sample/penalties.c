/* penalties.c - see penalties.h. */
#include "sample/penalties.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

sumi_status penalties_init(penalties *p, int32_t n_vocab, int32_t last_n)
{
    *p = (penalties){ .n_vocab = n_vocab, .last_n = last_n };
    p->counts = calloc((size_t)n_vocab, sizeof *p->counts);
    if (last_n > 0) p->ring = calloc((size_t)last_n, sizeof *p->ring);
    if (p->counts && (last_n < 0 || p->ring)) return SUMI_OK;
    penalties_deinit(p);
    return SUMI_ENOMEM;
}

void penalties_deinit(penalties *p)
{
    free(p->counts);
    free(p->ring);
    *p = (penalties){ 0 };
}

static void accept_one(penalties *p, int32_t id)
{
    if (id < 0 || id >= p->n_vocab) return;
    if (p->ring && p->n_ring == p->last_n) {
        p->counts[p->ring[p->oldest]]--;
        p->ring[p->oldest] = id;
        p->oldest = p->oldest + 1 == p->last_n ? 0 : p->oldest + 1;
    } else if (p->ring) {
        p->ring[p->n_ring++] = id;
    }
    if (p->counts[id] < INT32_MAX) p->counts[id]++;
}

void penalties_accept(penalties *p, const int32_t *ids, int32_t n_ids)
{
    for (int32_t i = 0; i < n_ids; i++) accept_one(p, ids[i]);
}

static float penalised(float x, int32_t count, const sumi_sampling *params)
{
    x = x > 0 ? x / params->repeat_penalty : x * params->repeat_penalty;
    x -= (float)count * params->frequency_penalty + params->presence_penalty;
    return x > FLT_MAX ? FLT_MAX : x; /* strange settings may overflow; infinity would hide which token is best */
}

void penalties_apply(penalties *p, const sumi_sampling *params, float *logits)
{
    if (!p->ring) {
        for (int32_t id = 0; id < p->n_vocab; id++)
            if (p->counts[id]) logits[id] = penalised(logits[id], p->counts[id], params);
        return;
    }
    /* The ring names every id that counts, some of them several times: a negative count says "done already". */
    for (int32_t i = 0; i < p->n_ring; i++) {
        int32_t id = p->ring[i];
        if (p->counts[id] < 0) continue;
        logits[id] = penalised(logits[id], p->counts[id], params);
        p->counts[id] = -p->counts[id];
    }
    for (int32_t i = 0; i < p->n_ring; i++) p->counts[p->ring[i]] = abs(p->counts[p->ring[i]]);
}
