/* choice.c - see choice.h. */
#include "engine/requests/choice.h"

#include <stdlib.h>

#include "base/error.h"
#include "sample/sampler.h"

#define MAX_TEXT_BYTES ((size_t)64 << 20) /* of one choice: far above the text of any context */

sumi_status choice_init(choice *c, const tokenizer *t, bool special, int32_t n_logprobs, bool held, int32_t max_new,
                        sumi_error *err)
{
    *c = (choice){ .n_logprobs = n_logprobs, .held = held, .stop_index = -1 };
    detok_init(&c->detok, t, special);
    detok_continue(&c->detok); /* a space of the first token belongs between prompt and answer */
    buf_init(&c->text, MAX_TEXT_BYTES);
    buf_init(&c->ready, MAX_TEXT_BYTES);
    if (n_logprobs > 0 && !held && !(c->top = calloc((size_t)n_logprobs * (size_t)max_new, sizeof *c->top)))
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for %d log-probabilities", n_logprobs);
    return SUMI_OK;
}

void choice_deinit(choice *c)
{
    sumi_sampler_destroy(c->sampler);
    stop_destroy(c->stop);
    buf_deinit(&c->text);
    buf_deinit(&c->ready);
    free(c->tokens);
    free(c->top);
}

static bool grow(choice *c)
{
    if (c->n < c->cap) return true;
    int32_t cap = c->cap ? 2 * c->cap : 64;
    sumi_choice *tokens = realloc(c->tokens, (size_t)cap * sizeof *tokens);
    if (tokens) c->tokens = tokens;
    if (!tokens) return false;
    if (c->held && c->n_logprobs > 0) {
        sumi_choice *top = realloc(c->top, (size_t)cap * (size_t)c->n_logprobs * sizeof *top);
        if (!top) return false;
        c->top = top;
    }
    c->cap = cap;
    return true;
}

bool choice_append(choice *c, sumi_choice token)
{
    if (!grow(c)) return false;
    c->tokens[c->n++] = token;
    c->sum_logprob += (double)token.logprob;
    return true;
}

/* Moves the decoded text to `ready`. True: a stop string is complete. */
static bool pass_text(choice *c, bool look_for_stop)
{
    bool found = false;
    if (look_for_stop && c->stop) found = stop_push(c->stop, c->text.data, c->text.n, &c->ready);
    else buf_append(&c->ready, c->text.data, c->text.n);
    c->text.n = 0;
    return found;
}

static bool is_among(const int32_t *ids, int32_t n_ids, int32_t id)
{
    for (int32_t i = 0; i < n_ids; i++)
        if (ids[i] == id) return true;
    return false;
}

void choice_finish(choice *c, sumi_finish finish)
{
    if (c->ended) return;
    c->ended = true;
    c->finish = finish;
}

static sumi_status check_text(const choice *c, sumi_error *err)
{
    sumi_status st = c->text.status == SUMI_OK ? c->ready.status : c->text.status;
    if (st == SUMI_OK) return st;
    return sumi_fail(err, st, "token %d: its text does not fit into memory", c->n ? c->tokens[c->n - 1].id : -1);
}

sumi_status choice_flush(choice *c, sumi_error *err)
{
    if (c->stop_index >= 0) return SUMI_OK; /* text after a stop string is not part of the answer */
    detok_flush(&c->detok, &c->text);
    if (!pass_text(c, true) && c->stop) stop_flush(c->stop, &c->ready);
    return check_text(c, err);
}

sumi_status choice_next(choice *c, const choice_rules *rules, const float *logits, sumi_error *err)
{
    sumi_choice token;
    bool early = c->n < rules->min_tokens;
    sumi_status st = sampler_next(c->sampler, logits, early ? rules->allowed_early : NULL, &token, err);
    if (st != SUMI_OK) return st;
    if (!choice_append(c, token)) return sumi_fail(err, SUMI_ENOMEM, "out of memory for token %d of an answer", c->n);
    if (c->n_logprobs > 0)
        sumi_top_logprobs(logits, rules->n_vocab, c->n_logprobs,
                          c->top + (c->held ? c->n - 1 : c->n_new) * c->n_logprobs);
    c->n_new++;
    bool stops = is_among(rules->stop_ids, rules->n_stop_ids, token.id);
    if (stops || (!rules->ignore_eos && sumi_token_is_end(rules->model, token.id))) {
        if (stops && rules->include_stop) detok_push(&c->detok, token.id, &c->text);
        choice_finish(c, SUMI_FINISH_STOP);
        return check_text(c, err);
    }
    detok_push(&c->detok, token.id, &c->text);
    if (pass_text(c, !early)) {
        choice_finish(c, SUMI_FINISH_STOP);
        c->stop_index = stop_found(c->stop);
        if (rules->include_stop) buf_append_str(&c->ready, rules->stop[c->stop_index]);
    } else if (c->n == rules->max_tokens) {
        choice_finish(c, SUMI_FINISH_LENGTH);
    }
    return check_text(c, err);
}

void choice_decode_all(choice *c, bool skip_last)
{
    for (int32_t i = 0; i < c->n - skip_last; i++) detok_push(&c->detok, c->tokens[i].id, &c->text);
    detok_flush(&c->detok, &c->text);
    pass_text(c, false);
}

double choice_mean_logprob(const choice *c)
{
    return c->n ? c->sum_logprob / c->n : 0;
}
