/* draft.c - the guessed tokens of a step: which sequences have a guess, and how much of it is expected to pay. */
#include "engine/engine.h"

static request *of(const sched_req *r)
{
    return (request *)(uintptr_t)r;
}

/* A sequence whose next tokens can be guessed. */
typedef struct text_of {
    const request *r;
    int32_t seq;
} text_of;

static int32_t token_at(const void *user, int32_t pos)
{
    const text_of *t = user;
    return request_token(t->r, t->seq, pos);
}

/* Most tokens that the answer still lacks besides the one that the item gives anyway. */
static int32_t most_useful(const request *r, int32_t seq)
{
    int32_t n = r->max_known - r->sched.seqs[seq].n_known;
    const choice *c = &r->choices[seq];
    if (r->params.max_tokens >= 0 && n > r->params.max_tokens - c->n - 1) n = r->params.max_tokens - c->n - 1;
    if (r->params.max_draft > 0 && n > r->params.max_draft) n = r->params.max_draft;
    return n;
}

/* Guesses for the sequence of an item; its text is completed while its prompt is computed. False: there is no guess. */
static bool guess(const sched_item *item)
{
    request *r = of(item->req);
    if (!r->drafts) return false;
    draft *d = &r->drafts[item->seq];
    bool decodes = r->sched.trunk < 0 && item->last && item->n_tokens == 1;
    d->n = d->n_used = 0;
    if (!draft_catch_up(d, r->sched.seqs[item->seq].n_known, token_at, &(text_of){ r, item->seq }) || !decodes)
        return false;
    draft_guess(d, most_useful(r, item->seq));
    return d->n > 0;
}

/* What the step gives and takes without guesses. */
typedef struct plain_step {
    int32_t n_sure, n_rows; /* tokens of answers; rows of logits */
    double us;
} plain_step;

static plain_step plain_step_of(const sumi_engine *e, const sched_item *items, int32_t n_items)
{
    plain_step p = { .us = e->costs.step_us };
    for (int32_t i = 0; i < n_items; i++) {
        p.n_sure += items[i].last;
        p.n_rows += sched_item_rows(&items[i]);
        p.us += items[i].n_tokens == 1 ? e->costs.seq_us : items[i].n_tokens * e->costs.token_us;
    }
    return p;
}

void engine_draft(sumi_engine *e, const sched_item *items, int32_t n_items)
{
    bool any = false;
    if (!e->limits.speculates) return;
    for (int32_t i = 0; i < n_items; i++) {
        spec_candidate *c = &e->candidates[i];
        *c = (spec_candidate){ 0 };
        if (!guess(&items[i])) continue;
        const draft *d = &of(items[i].req)->drafts[items[i].seq];
        *c = (spec_candidate){ .match = d->match, .n = d->n, .odds = &d->odds };
        any = true;
    }
    if (!any) return;
    plain_step p = plain_step_of(e, items, n_items);
    spec_choose(e->candidates, n_items, &e->odds, p.n_sure, p.us, e->costs.seq_us, e->max_rows - p.n_rows);
    for (int32_t i = 0; i < n_items; i++) {
        const spec_candidate *c = &e->candidates[i];
        int32_t n = c->n > 0 && of(items[i].req)->params.max_draft > 0 ? c->n : c->n_chosen;
        if (n > 0) of(items[i].req)->drafts[items[i].seq].n_used = sched_draft(e->sched, i, n);
    }
}
