/* beam.c - see beam.h. */
#include "engine/requests/beam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "sample/top.h"

sumi_status beam_init(beam_search *b, sumi_error *err)
{
    int32_t per_beam = (b->n_end_ids > 1 ? b->n_end_ids : 1) + 1; /* so that width of them do not end */
    b->n_top = b->width * per_beam + b->n_end_ids;
    if (b->n_top > b->n_vocab) b->n_top = b->n_vocab;
    b->top = calloc((size_t)b->n_top * (size_t)b->width, sizeof *b->top);
    return b->top ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory for %d beams", b->width);
}

void beam_deinit(beam_search *b)
{
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) free(b->live[i].tokens);
    for (int32_t i = 0; i <= SCHED_MAX_SEQS; i++) free(b->done[i].tokens);
    free(b->top);
}

static bool reserve(hypothesis *h, int32_t n)
{
    if (n <= h->cap) return true;
    int32_t cap = n + n / 2 + 16;
    sumi_choice *tokens = realloc(h->tokens, (size_t)cap * sizeof *tokens);
    if (!tokens) return false;
    h->tokens = tokens;
    h->cap = cap;
    return true;
}

bool beam_copy(beam_search *b, int32_t from, int32_t to)
{
    hypothesis *d = &b->live[to];
    const hypothesis *s = &b->live[from];
    if (!reserve(d, s->n)) return false;
    if (s->n) memcpy(d->tokens, s->tokens, (size_t)s->n * sizeof *d->tokens);
    d->n = s->n;
    d->sum = s->sum;
    return true;
}

bool beam_extend(beam_search *b, int32_t i, const beam_survivor *survivor)
{
    hypothesis *h = &b->live[i];
    if (!reserve(h, h->n + 1)) return false;
    h->tokens[h->n++] = survivor->token;
    h->sum = survivor->sum;
    return true;
}

static bool is_end(const beam_search *b, int32_t id)
{
    for (int32_t i = 0; i < b->n_end_ids; i++)
        if (b->end_ids[i] == id) return true;
    return false;
}

/* Adds the parent with one more token to the finished hypotheses, if it is among the best of them. */
static bool add_done(beam_search *b, const beam_survivor *survivor)
{
    const hypothesis *parent = &b->live[survivor->parent];
    hypothesis *h = &b->done[b->n_done];
    if (!reserve(h, parent->n + 1)) return false;
    if (parent->n) memcpy(h->tokens, parent->tokens, (size_t)parent->n * sizeof *h->tokens);
    h->tokens[parent->n] = survivor->token;
    h->n = parent->n + 1;
    h->sum = survivor->sum;
    h->score = h->sum / pow(h->n, b->length_penalty);
    for (int32_t i = b->n_done; i > 0 && b->done[i].score > b->done[i - 1].score; i--) {
        hypothesis swap = b->done[i];
        b->done[i] = b->done[i - 1];
        b->done[i - 1] = swap;
    }
    if (b->n_done < b->width) b->n_done++;
    return true;
}

/* The candidates of each live hypothesis, best first: b->top[k * n_top ...], parents[k]. Returns how many are live. */
static sumi_status collect(beam_search *b, const float *const *rows, int32_t *parents, int32_t *n_live, sumi_error *err)
{
    *n_live = 0;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) {
        if (!rows[i]) continue;
        double lse;
        if (!row_log_sum_exp(rows[i], b->n_vocab, &lse))
            return sumi_fail(err, SUMI_ENUMERIC,
                             "logits: not a number: the model file is damaged, or its numbers overflow");
        sumi_top_logprobs(rows[i], b->n_vocab, b->n_top, b->top + (size_t)*n_live * (size_t)b->n_top);
        parents[(*n_live)++] = i;
    }
    return SUMI_OK;
}

/* The best candidate that was not taken yet; next[k]: the next candidate of the k-th live hypothesis. False: none
 * remains. */
static bool pop_best(const beam_search *b, const int32_t *parents, int32_t n_live, int32_t *next, beam_survivor *best)
{
    int32_t from = -1;
    for (int32_t k = 0; k < n_live; k++) {
        if (next[k] == b->n_top) continue;
        const sumi_choice *c = &b->top[(size_t)k * (size_t)b->n_top + (size_t)next[k]];
        double sum = b->live[parents[k]].sum + (double)c->logprob;
        if (c->id < 0 || (from >= 0 && sum <= best->sum)) continue;
        *best = (beam_survivor){ parents[k], *c, sum };
        from = k;
    }
    if (from >= 0) next[from]++;
    return from >= 0;
}

/* True if no live hypothesis can become better than the worst finished one, by the estimate of beam.h. */
static bool is_over(const beam_search *b, const beam_survivor *survivors, int32_t n_survivors, int32_t n)
{
    if (n_survivors == 0) return true;
    if (b->n_done < b->width) return false;
    return b->early_stopping || survivors[0].sum / pow(n, b->length_penalty) <= b->done[b->n_done - 1].score;
}

sumi_status beam_step(beam_search *b, const float *const *rows, beam_survivor *survivors, int32_t *n_survivors,
                      bool *over, sumi_error *err)
{
    int32_t parents[SCHED_MAX_SEQS], next[SCHED_MAX_SEQS] = { 0 }, n_live;
    beam_survivor c;
    *n_survivors = 0;
    sumi_status st = collect(b, rows, parents, &n_live, err);
    if (st != SUMI_OK) return st;
    int32_t n = b->live[parents[0]].n + 1; /* length after this step: the same for all */
    bool last = n >= b->max_tokens;
    for (int32_t rank = 0; *n_survivors < b->width && pop_best(b, parents, n_live, next, &c);) {
        bool ends = !b->ignore_eos && is_end(b, c.token.id);
        if (ends && n <= b->min_tokens) continue;
        if (!ends && !last) survivors[(*n_survivors)++] = c;
        else if (rank < b->width && !add_done(b, &c))
            return sumi_fail(err, SUMI_ENOMEM, "out of memory for %d beams", b->width);
        if (++rank >= b->width && last) break;
    }
    *over = is_over(b, survivors, *n_survivors, n);
    if (*over) *n_survivors = 0;
    return SUMI_OK;
}
