/* answer.c - from rows of logits to tokens, choices and ends.
 *
 * Rows come in the order of the plan's items. A row belongs to
 *   a trunk that is complete for the 1st time  all choices draw their first token from it, then the sequences separate
 *   a sequence of a sampling request           its choice draws the next token
 *   the sequences of a beam search             together they choose the survivors
 *   a prompt whose probabilities are wanted    each row gives the probability of the token after it
 * and rows of hidden states, which are counted separately, to
 *   a text whose embedding is wanted           they are pooled */
#include <stdlib.h>

#include "base/error.h"
#include "base/os/clock.h"
#include "engine/engine.h"
#include "sample/top.h"

static request *of(const sched_req *r)
{
    return (request *)(uintptr_t)r;
}

static choice_rules rules_of(const sumi_engine *e, const request *r)
{
    return (choice_rules){ .model = e->model,
                           .n_vocab = e->limits.n_vocab,
                           .min_tokens = r->params.min_tokens,
                           .max_tokens = r->params.max_tokens,
                           .allowed_early = r->allowed_early,
                           .ignore_eos = r->params.ignore_eos,
                           .stop_ids = r->params.stop_ids,
                           .n_stop_ids = r->params.n_stop_ids,
                           .stop = r->params.stop,
                           .include_stop = r->params.include_stop };
}

/* ---- Events of choices ---- */

static void send_piece(sumi_engine *e, request *r, int32_t number, choice *c, const sumi_choice *tokens, int32_t n)
{
    sumi_event event = { .type = SUMI_EVENT_PIECE,
                         .choice = number,
                         .piece = { .text = c->ready.data,
                                    .n_bytes = c->ready.n,
                                    .choices = tokens,
                                    .n_choices = n,
                                    .top = c->n_logprobs > 0 && n > 0 ? c->top : NULL } };
    event_send(e, r, &event);
    c->ready.n = 0;
}

static void send_choice_end(sumi_engine *e, request *r, int32_t number, const choice *c, double score)
{
    sumi_event event = { .type = SUMI_EVENT_CHOICE,
                         .choice = number,
                         .finish = c->finish,
                         .sum_logprob = (float)score,
                         .stop = c->stop_index >= 0 ? r->params.stop[c->stop_index] : NULL };
    r->finish = c->finish;
    event_send(e, r, &event);
}

/* The n best of the choices that were held back, best first; ties: the lower number. */
static void send_held(sumi_engine *e, request *r)
{
    bool sent[SUMI_MAX_CHOICES] = { false };
    for (int32_t k = 0; k < r->params.n; k++) {
        int32_t best = -1;
        for (int32_t i = 0; i < r->n_choices; i++) {
            if (sent[i]) continue;
            if (best < 0 || choice_mean_logprob(&r->choices[i]) > choice_mean_logprob(&r->choices[best])) best = i;
        }
        choice *c = &r->choices[best];
        sent[best] = true;
        send_piece(e, r, k, c, c->tokens, c->n);
        send_choice_end(e, r, k, c, c->sum_logprob);
    }
}

/* All choices of r have ended by themselves. */
static void complete(sumi_engine *e, request *r)
{
    if (r->beams == NULL && r->choices[0].held) send_held(e, r);
    if (e->opts.static_batching && !r->cancelled) {
        r->is_padding = true;
        return;
    }
    engine_end(e, r, r->cancelled ? SUMI_FINISH_CANCELLED : r->finish, NULL);
}

static void count_generated(sumi_engine *e, request *r, int32_t n)
{
    r->n_generated += n;
    e->now.n_generated += (uint64_t)n;
}

/* ---- Sampling ---- */

/* Choice i draws a token from row `at`, and as long as guessed tokens are what it drew, from the rows after them. The drawn
 * tokens are its new ones (n_new). */
static sumi_status draw(sumi_engine *e, request *r, int32_t i, int32_t at, sumi_error *err)
{
    choice_rules rules = rules_of(e, r);
    choice *c = &r->choices[i];
    draft *d = r->drafts ? &r->drafts[i] : NULL;
    int32_t n_used = d ? d->n_used : 0, n_known = r->sched.seqs[i].n_known;
    bool is_right;
    do {
        int32_t before = c->n_new;
        sumi_status st = choice_next(c, &rules, sumi_logits(e->ctx, at + before), err);
        /* The last token of an answer is not fed back, so it needs no place in the cache. */
        if (st == SUMI_OK && n_known + c->n_new > r->max_known) choice_finish(c, SUMI_FINISH_LENGTH);
        if (st == SUMI_OK && c->ended) st = choice_flush(c, err);
        if (st != SUMI_OK) {
            if (c->n_new > before) c->n_new = 0; /* its text is incomplete */
            return st;
        }
        is_right = c->n_new <= n_used && d->guess[c->n_new - 1] == c->tokens[c->n - 1].id;
    } while (is_right && !c->ended);
    if (d) draft_note(d, &e->odds, &c->tokens[c->n - c->n_new], c->n_new);
    return SUMI_OK;
}

/* Sends the new tokens of choice i, whose drawing ended with st, and ends what has ended. False: r has ended. */
static bool send_new(sumi_engine *e, request *r, int32_t i, sumi_status st, const sumi_error *err)
{
    choice *c = &r->choices[i];
    int32_t n = c->n_new;
    c->n_new = 0;
    count_generated(e, r, n);
    for (int32_t k = 0; k < n; k++) sched_extend(e->sched, &r->sched, i);
    if (!c->held && n > 0) send_piece(e, r, i, c, &c->tokens[c->n - n], n);
    if (st != SUMI_OK) {
        engine_end(e, r, SUMI_FINISH_ERROR, err);
        return false;
    }
    if (!c->held && c->ended) send_choice_end(e, r, i, c, c->sum_logprob);
    if (r->cancelled) {
        engine_end(e, r, SUMI_FINISH_CANCELLED, NULL);
        return false;
    }
    if (!c->ended) return true;
    if (r->sched.n_live == 1) {
        complete(e, r);
        return false;
    }
    sched_end_seq(e->sched, &r->sched, i);
    return true;
}

/* Choice i takes its next token from a row. False: r has ended. */
static bool next_token(sumi_engine *e, request *r, int32_t i, int32_t at)
{
    sumi_error err;
    sumi_status st = draw(e, r, i, at, &err);
    return send_new(e, r, i, st, &err);
}

int32_t answer_draw(sumi_engine *e, const sched_item *item, int32_t at)
{
    request *r = of(item->req);
    draft *d = &r->drafts[item->seq];
    d->drawn = draw(e, r, item->seq, at, &d->error);
    int32_t n = r->choices[item->seq].n_new, n_accepted = n > 0 ? n - 1 : 0;
    r->n_drafted += item->n_draft;
    r->n_accepted += n_accepted;
    e->now.n_drafted += (uint64_t)item->n_draft;
    e->now.n_accepted += (uint64_t)n_accepted;
    return 1 + n_accepted;
}

/* Ends a request that generates no tokens: only the prompt's probabilities, or its entry in the cache, were requested. */
static void end_without_tokens(sumi_engine *e, request *r)
{
    for (int32_t i = 0; i < r->params.n; i++) {
        choice_finish(&r->choices[i], SUMI_FINISH_LENGTH);
        send_choice_end(e, r, i, &r->choices[i], 0);
    }
    engine_end(e, r, r->cancelled ? SUMI_FINISH_CANCELLED : SUMI_FINISH_LENGTH, NULL);
}

static void first_tokens(sumi_engine *e, request *r, int32_t at)
{
    sched_split(e->sched, &r->sched, r->n_choices);
    for (int32_t i = 0; i < r->n_choices; i++)
        if (!next_token(e, r, i, at)) return;
}

/* ---- Beams ---- */

/* The finished hypotheses become the answers. */
static void complete_beams(sumi_engine *e, request *r)
{
    beam_search *b = r->beams;
    for (int32_t i = 0; i < r->params.n && i < b->n_done; i++) {
        choice *c = &r->choices[i];
        const hypothesis *h = &b->done[i];
        bool ends = false;
        for (int32_t k = 0; k < b->n_end_ids; k++) ends |= h->tokens[h->n - 1].id == b->end_ids[k];
        ends = ends && !b->ignore_eos;
        for (int32_t k = 0; k < h->n; k++)
            if (!choice_append(c, h->tokens[k])) break;
        choice_decode_all(c, ends);
        c->finish = ends ? SUMI_FINISH_STOP : SUMI_FINISH_LENGTH;
        send_piece(e, r, i, c, c->tokens, c->n);
        send_choice_end(e, r, i, c, h->score);
        count_generated(e, r, c->n);
    }
    complete(e, r);
}

/* Gives each survivor a sequence: the first survivor of a hypothesis keeps its sequence, others get forks of it. */
static sumi_status place_survivors(sumi_engine *e, request *r, const beam_survivor *survivors, int32_t n)
{
    int32_t places[SCHED_MAX_SEQS];
    bool taken[SCHED_MAX_SEQS] = { false };
    sched_req *s = &r->sched;
    for (int32_t k = 0; k < n; k++) taken[survivors[k].parent] = true;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (s->seqs[i].live && !taken[i]) sched_end_seq(e->sched, s, i);
    for (int32_t k = 0; k < n; k++) {
        int32_t parent = survivors[k].parent;
        places[k] = parent;
        if (taken[parent]) {
            taken[parent] = false;
            continue;
        }
        places[k] = sched_fork(e->sched, s, parent);
        if (!beam_copy(r->beams, parent, places[k])) return SUMI_ENOMEM;
    }
    for (int32_t k = 0; k < n; k++) {
        if (!beam_extend(r->beams, places[k], &survivors[k])) return SUMI_ENOMEM;
        sched_extend(e->sched, s, places[k]);
    }
    return SUMI_OK;
}

/* rows[i]: the logits of sequence i */
static void next_beams(sumi_engine *e, request *r, const float *const *rows)
{
    beam_survivor survivors[SCHED_MAX_SEQS];
    int32_t n_survivors;
    bool over;
    sumi_error err;
    sumi_status st = beam_step(r->beams, rows, survivors, &n_survivors, &over, &err);
    if (st == SUMI_OK && over) {
        complete_beams(e, r);
        return;
    }
    if (st == SUMI_OK && !r->sched.has_parted) sched_split(e->sched, &r->sched, 1);
    if (st == SUMI_OK && (st = place_survivors(e, r, survivors, n_survivors)) != SUMI_OK)
        sumi_fail(&err, st, "out of memory for beams");
    if (st != SUMI_OK) engine_end(e, r, SUMI_FINISH_ERROR, &err);
}

/* ---- Probabilities of the prompt ---- */

static sumi_status prompt_scratch(sumi_engine *e, int32_t n_logprobs, sumi_error *err)
{
    int32_t n = e->ctx_info.max_batch_tokens;
    if (!e->prompt_choices) e->prompt_choices = calloc((size_t)n, sizeof *e->prompt_choices);
    if (!e->prompt_ranks) e->prompt_ranks = calloc((size_t)n, sizeof *e->prompt_ranks);
    if (e->cap_prompt_top < n_logprobs) {
        free(e->prompt_top);
        e->prompt_top = calloc((size_t)n * (size_t)n_logprobs, sizeof *e->prompt_top);
        e->cap_prompt_top = e->prompt_top ? n_logprobs : 0;
    }
    if (e->prompt_choices && e->prompt_ranks && e->cap_prompt_top >= n_logprobs) return SUMI_OK;
    return sumi_fail(err, SUMI_ENOMEM, "out of memory for the log-probabilities of a prompt");
}

/* Rows at .. at + n - 1 follow the tokens from .. from + n - 1 of the prompt. False: r has ended. */
static bool send_prompt_rows(sumi_engine *e, request *r, int32_t from, int32_t at, int32_t n)
{
    int32_t n_logprobs = r->params.n_prompt_logprobs, n_sent = 0, n_vocab = e->limits.n_vocab;
    sumi_error err;
    sumi_status st = prompt_scratch(e, n_logprobs, &err);
    if (r->n_prompt_sent == 0) r->n_prompt_sent = 1;
    int32_t first = r->n_prompt_sent;
    for (int32_t i = 0; i < n && st == SUMI_OK; i++) {
        int32_t pos = from + i + 1;
        if (pos != r->n_prompt_sent || pos >= r->params.n_ids)
            continue; /* reported before a preemption, or not a row of the prompt */
        const float *x = sumi_logits(e->ctx, at + i);
        double lse;
        if (!row_log_sum_exp(x, n_vocab, &lse)) {
            st = sumi_fail(&err, SUMI_ENUMERIC, "logits: not a number after token %d of the prompt", pos - 1);
            break;
        }
        int32_t id = r->prompt[pos];
        float logprob = (float)((double)x[id] - lse);
        if (n_logprobs) sumi_top_logprobs(x, n_vocab, n_logprobs, e->prompt_top + (size_t)n_sent * (size_t)n_logprobs);
        e->prompt_ranks[n_sent] = row_rank(x, n_vocab, id);
        e->prompt_choices[n_sent++] = (sumi_choice){ id, logprob };
        r->n_prompt_sent++;
    }
    if (st == SUMI_OK && n_sent > 0) {
        sumi_event event = {
            .type = SUMI_EVENT_PROMPT,
            .first = first,
            .ranks = e->prompt_ranks,
            .piece = { .choices = e->prompt_choices, .n_choices = n_sent, .top = n_logprobs ? e->prompt_top : NULL }
        };
        event_send(e, r, &event);
    }
    if (st == SUMI_OK && !r->cancelled) return true;
    engine_end(e, r, st == SUMI_OK ? SUMI_FINISH_CANCELLED : SUMI_FINISH_ERROR, st == SUMI_OK ? NULL : &err);
    return false;
}

/* ---- Embeddings ---- */

static void send_embedding(sumi_engine *e, request *r)
{
    sumi_error err;
    if (pooling_finish(&r->pool, r->params.embed_raw, &err) != SUMI_OK) {
        engine_end(e, r, SUMI_FINISH_ERROR, &err);
        return;
    }
    sumi_event event = { .type = SUMI_EVENT_EMBEDDING, .embedding = r->pool.out, .n_embd = r->pool.n_embd };
    event_send(e, r, &event);
    engine_end(e, r, r->cancelled ? SUMI_FINISH_CANCELLED : SUMI_FINISH_STOP, NULL);
}

/* Takes the hidden states of an item, which begin at row `at`; returns how many they are. */
static int32_t pool_rows(sumi_engine *e, request *r, const sched_item *item, int32_t at)
{
    bool mean = r->pool.kind == SUMI_POOL_MEAN;
    int32_t n = mean ? item->n_tokens : item->last; /* CLS: the text is one item */
    if (r->ended) return n;
    /* States that were pooled before a preemption are computed again, bit for bit. */
    int32_t first = r->sched.seqs[item->seq].n_cached - item->n_tokens, seen = mean ? r->pool.n - first : 0;
    for (int32_t i = seen; i < n; i++) pooling_add(&r->pool, sumi_hidden(e->ctx, at + i));
    if (item->last) send_embedding(e, r);
    return n;
}

/* ---- The rows of a step ---- */

static void mark_first(request *r)
{
    if (r->first_ms == 0) r->first_ms = clock_ms();
}

/* A static batch computes finished sequences as padding until all its sequences have ended. Their results are not used. */
static void extend_padding(sumi_engine *e, request *r, int32_t seq)
{
    sched_extend(e->sched, &r->sched, seq);
    if (r->sched.seqs[seq].n_known > r->max_known) engine_end(e, r, r->finish, NULL);
}

/* The rows of an item from `at` on choose tokens: the last one, or those after guessed tokens, which have chosen already. */
static void answer_item(sumi_engine *e, request *r, const sched_item *item, int32_t at)
{
    mark_first(r);
    if (r->is_padding) extend_padding(e, r, item->seq);
    else if (r->params.max_tokens == 0) end_without_tokens(e, r);
    else if (r->beams) next_beams(e, r, (const float *const[SCHED_MAX_SEQS]){ [0] = sumi_logits(e->ctx, at) });
    else if (!r->sched.has_parted) first_tokens(e, r, at);
    else if (item->n_draft) send_new(e, r, item->seq, r->drafts[item->seq].drawn, &r->drafts[item->seq].error);
    else next_token(e, r, item->seq, at);
}

/* The rows of a beam search are adjacent; returns the number of their items. */
static int32_t answer_beams(sumi_engine *e, request *r, const sched_item *items, int32_t n_items, int32_t at)
{
    const float *rows[SCHED_MAX_SEQS] = { NULL };
    int32_t n = 0;
    for (; n < n_items && items[n].req == &r->sched; n++) rows[items[n].seq] = sumi_logits(e->ctx, at + n);
    if (!r->ended) next_beams(e, r, rows);
    return n;
}

void answer_rows(sumi_engine *e, const sched_item *items, int32_t n_items)
{
    for (int32_t i = 0, at = 0, at_hidden = 0, n; i < n_items; at += n) {
        request *r = of(items[i].req);
        const sched_item *item = &items[i];
        if (r->pool.kind) {
            at_hidden += pool_rows(e, r, item, at_hidden);
            i++;
            n = 0;
            continue;
        }
        if (r->beams && r->sched.has_parted && item->last) {
            n = answer_beams(e, r, item, n_items - i, at);
            i += n;
            continue;
        }
        i++;
        n = sched_item_rows(item);
        if (r->ended) continue;
        if (item->all_rows && !send_prompt_rows(e, r, r->sched.seqs[item->seq].n_cached - n, at, n)) continue;
        if (item->last) answer_item(e, r, item, at + n - 1 - item->n_draft);
    }
}

void answer_release_batch(sumi_engine *e)
{
    for (const request *r = e->active; r; r = r->next)
        if (!r->is_padding && r->sched.state == SCHED_RUNNING) return;
    for (request *r = e->active, *next; r; r = next) {
        next = r->next;
        if (r->is_padding) engine_end(e, r, r->finish, NULL);
    }
}
