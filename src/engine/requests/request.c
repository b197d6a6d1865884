/* request.c - see request.h. */
#include "engine/requests/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "base/sized.h"
#include "engine/sumi_model.h"
#include "sample/token_set.h"

enum { MAX_NAME_BYTES = 256 };

void sumi_request_init(sumi_request *r, size_t size)
{
    const sumi_request defaults = { .size = size,
                                    .sampling = sumi_sampling_default(),
                                    .n = 1,
                                    .length_penalty = 1,
                                    .max_tokens = -1,
                                    .n_prompt_logprobs = -1,
                                    .max_draft = -1,
                                    .weight = 1 };
    sized_give(r, size, &defaults, sizeof defaults);
}

/* ---- Checks ---- */

static sumi_status in_range(const char *name, int32_t value, int32_t low, int32_t high, sumi_error *err)
{
    if (value >= low && value <= high) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "%s is %d; it must be between %d and %d", name, value, low, high);
}

static sumi_status check_numbers(const sumi_request *p, const request_limits *l, sumi_error *err)
{
    const struct {
        const char *name;
        int32_t value, low, high;
    } ranges[] = {
        { "n", p->n, 1, SUMI_MAX_CHOICES },
        { "best_of", p->best_of, 0, SUMI_MAX_CHOICES },
        { "beam_width", p->beam_width, 0, SUMI_MAX_CHOICES },
        { "max_tokens", p->max_tokens, -1, INT32_MAX },
        { "min_tokens", p->min_tokens, 0, p->max_tokens < 0 ? INT32_MAX : p->max_tokens },
        { "n_stop", p->n_stop, 0, STOP_MAX_STRINGS },
        { "n_stop_ids", p->n_stop_ids, 0, STOP_MAX_STRINGS },
        { "n_logprobs", p->n_logprobs, 0, SUMI_MAX_LOGPROBS },
        { "n_prompt_logprobs", p->n_prompt_logprobs, -1, SUMI_MAX_LOGPROBS },
        { "priority", p->priority, -100, 100 },
        { "max_draft", p->max_draft, -1, SUMI_MAX_DRAFT },
        { "weight", p->weight, 1, 1000 },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        sumi_status st = in_range(ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high, err);
        if (st != SUMI_OK) return st;
    }
    if (p->best_of && p->best_of < p->n)
        return sumi_fail(err, SUMI_EINVAL, "best_of is %d, less than n, which is %d", p->best_of, p->n);
    if (!(p->queue_ms >= 0 && p->first_token_ms >= 0 && p->total_ms >= 0))
        return sumi_fail(err, SUMI_EINVAL, "a time limit is negative; 0 means no limit");
    int32_t width = p->beam_width ? p->beam_width : p->best_of ? p->best_of : p->n;
    if (width > l->max_seqs)
        return sumi_fail(err, SUMI_ELIMIT, "%d choices at once, but the engine runs at most %d sequences", width,
                         l->max_seqs);
    return SUMI_OK;
}

static sumi_status check_beams(const sumi_request *p, sumi_error *err)
{
    const sumi_sampling *s = &p->sampling;
    const char *what = NULL;
    if (!p->beam_width) return SUMI_OK;
    if (p->n > p->beam_width)
        return sumi_fail(err, SUMI_EINVAL, "n is %d, more than beam_width, which is %d", p->n, p->beam_width);
    if (!(p->length_penalty >= -100 && p->length_penalty <= 100))
        return sumi_fail(err, SUMI_EINVAL, "length_penalty is %g; it must be between -100 and 100",
                         (double)p->length_penalty);
    if (p->best_of) what = "best_of";
    if (p->n_stop) what = "stop strings";
    if (p->n_stop_ids) what = "stop tokens";
    if (p->n_logprobs) what = "alternatives (n_logprobs)";
    if (s->n_bias) what = "logit biases";
    if (s->repeat_penalty != 1 || s->frequency_penalty != 0 || s->presence_penalty != 0) what = "penalties";
    return what ? sumi_fail(err, SUMI_EUNSUPPORTED, "beam search does not support %s", what) : SUMI_OK;
}

static sumi_status check_embedding(const sumi_request *p, const request_limits *l, sumi_error *err)
{
    const char *what = NULL;
    if (p->embed == SUMI_POOL_NONE) return model_check_generates(l->model, err);
    sumi_status st = pooling_check(p->embed, l->model->info.is_encoder, err);
    if (st != SUMI_OK) return st;
    if (p->n != 1) what = "several choices (n)";
    if (p->best_of) what = "best_of";
    if (p->beam_width) what = "beams";
    if (p->n_logprobs || p->n_prompt_logprobs >= 0) what = "log-probabilities";
    if (p->min_tokens) what = "tokens (min_tokens)";
    return what ? sumi_fail(err, SUMI_EUNSUPPORTED, "a request for an embedding cannot have %s", what) : SUMI_OK;
}

static sumi_status check_ids(const sumi_request *p, const request_limits *l, sumi_error *err)
{
    if (p->n_ids < 1 || !p->ids) return sumi_fail(err, SUMI_EINVAL, "the prompt has no tokens");
    if (p->n_ids > l->n_ctx)
        return sumi_fail(err, SUMI_ELIMIT, "the prompt has %d tokens, but the context holds %d", p->n_ids, l->n_ctx);
    for (int32_t i = 0; i < p->n_ids; i++)
        if (p->ids[i] < 0 || p->ids[i] >= l->n_vocab)
            return sumi_fail(err, SUMI_EINVAL, "token %d of the prompt is %d, not in the vocabulary of %d", i,
                             p->ids[i], l->n_vocab);
    return SUMI_OK;
}

static sumi_status check_stop_ids(const sumi_request *p, const request_limits *l, sumi_error *err)
{
    for (int32_t i = 0; i < p->n_stop_ids; i++)
        if (p->stop_ids[i] < 0 || p->stop_ids[i] >= l->n_vocab)
            return sumi_fail(err, SUMI_EINVAL, "stop token %d is %d, not in the vocabulary of %d", i, p->stop_ids[i],
                             l->n_vocab);
    return SUMI_OK;
}

static sumi_status check_name(const char *what, const char *name, sumi_error *err)
{
    if (!name || strnlen(name, MAX_NAME_BYTES + 1) <= MAX_NAME_BYTES) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "%s is longer than %d bytes", what, MAX_NAME_BYTES);
}

static sumi_status check(const sumi_request *p, const request_limits *l, sumi_error *err)
{
    sumi_status st = check_numbers(p, l, err);
    if (st == SUMI_OK) st = check_embedding(p, l, err);
    if (st == SUMI_OK) st = check_beams(p, err);
    if (st == SUMI_OK) st = check_ids(p, l, err);
    if (st == SUMI_OK) st = check_stop_ids(p, l, err);
    if (st == SUMI_OK) st = check_name("the client's name", p->client, err);
    if (st == SUMI_OK) st = check_name("the cache salt", p->cache_salt, err);
    return st;
}

/* ---- Copies ---- */

static bool copy_params(request *r, const sumi_request *p)
{
    r->params = *p;
    r->params.client = NULL;
    r->prompt = malloc((size_t)p->n_ids * sizeof *r->prompt);
    if (!r->prompt) return false;
    memcpy(r->prompt, p->ids, (size_t)p->n_ids * sizeof *r->prompt);
    r->params.ids = r->prompt;
    if (p->n_stop_ids && !(r->stop_ids = malloc((size_t)p->n_stop_ids * sizeof *r->stop_ids))) return false;
    if (p->n_stop_ids) memcpy(r->stop_ids, p->stop_ids, (size_t)p->n_stop_ids * sizeof *r->stop_ids);
    r->params.stop_ids = r->stop_ids;
    if (p->cache_salt && !(r->salt = strdup(p->cache_salt))) return false;
    r->params.cache_salt = r->salt;
    if (p->n_stop && !(r->stops = calloc((size_t)p->n_stop, sizeof *r->stops))) return false;
    r->params.stop = (const char *const *)r->stops;
    for (int32_t i = 0; i < p->n_stop; i++)
        if (p->stop[i] && !(r->stops[i] = strdup(p->stop[i]))) return false;
    return true;
}

/* Choice 0 draws the same tokens as a request with n = 1; the other choices have seeds of their own. */
static uint64_t seed_of(uint64_t seed, int32_t number)
{
    const uint32_t counter[4] = { (uint32_t)number, 0, 0, 0x63686f69 },
                   key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    uint32_t out[4];
    if (number == 0) return seed;
    philox4x32(counter, key, out);
    return (uint64_t)out[1] << 32 | out[0];
}

static sumi_status make_choices(request *r, const request_limits *l, sumi_error *err)
{
    const sumi_request *p = &r->params;
    bool held = p->beam_width || p->best_of > p->n;
    r->n_choices = p->beam_width ? p->n : p->best_of ? p->best_of : p->n;
    bool one_step = p->max_tokens == 0 || p->max_tokens == 1; /* its token comes with the prompt */
    bool speculates = l->speculates && p->max_draft != 0 && !p->beam_width && !one_step;
    if (!(r->choices = calloc((size_t)r->n_choices, sizeof *r->choices)) ||
        (speculates && !(r->drafts = calloc((size_t)r->n_choices, sizeof *r->drafts))))
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for %d choices", r->n_choices);
    for (int32_t i = 0; i < r->n_choices; i++) {
        choice *c = &r->choices[i];
        sumi_sampling sampling = p->sampling;
        sampling.seed = seed_of(p->sampling.seed, i);
        if (p->best_of > p->n) sampling.skip_logprob = false; /* log-probabilities rank the choices */
        sumi_status st = choice_init(c, model_tokenizer(l->model), p->show_special, p->n_logprobs, held,
                                     1 + (r->drafts ? SPEC_MAX_DRAFT : 0), err);
        if (st == SUMI_OK && p->beam_width) continue;
        if (st == SUMI_OK) st = stop_create(&c->stop, p->stop, p->n_stop, err);
        if (st == SUMI_OK) st = sumi_sampler_create(&c->sampler, l->n_vocab, &sampling, err);
        if (st != SUMI_OK) return st;
        sumi_sampler_accept(c->sampler, r->prompt, p->n_ids);
    }
    r->params.sampling.bias = NULL; /* the samplers have copies */
    return SUMI_OK;
}

/* The mask under which no end token and no stop token is chosen. */
static sumi_status make_allowed_early(request *r, const request_limits *l, sumi_error *err)
{
    const sumi_request *p = &r->params;
    int32_t n_end_ids = p->ignore_eos ? 0 : l->n_end_ids;
    size_t n_bytes = token_set_words(l->n_vocab) * sizeof *r->allowed_early;
    if (p->min_tokens == 0 || (n_end_ids == 0 && p->n_stop_ids == 0)) return SUMI_OK;
    if (!(r->allowed_early = malloc(n_bytes)))
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for a set of %d tokens", l->n_vocab);
    memset(r->allowed_early, 0xff, n_bytes);
    for (int32_t i = 0; i < n_end_ids; i++) token_set_remove(r->allowed_early, l->end_ids[i]);
    for (int32_t i = 0; i < p->n_stop_ids; i++) token_set_remove(r->allowed_early, p->stop_ids[i]);
    return SUMI_OK;
}

static sumi_status make_beams(request *r, const request_limits *l, sumi_error *err)
{
    const sumi_request *p = &r->params;
    if (!(r->beams = calloc(1, sizeof *r->beams))) return sumi_fail(err, SUMI_ENOMEM, "out of memory for beams");
    *r->beams = (beam_search){ .width = p->beam_width,
                               .length_penalty = (double)p->length_penalty,
                               .early_stopping = p->early_stopping,
                               .ignore_eos = p->ignore_eos,
                               .min_tokens = p->min_tokens,
                               .end_ids = l->end_ids,
                               .n_end_ids = l->n_end_ids,
                               .n_vocab = l->n_vocab };
    return beam_init(r->beams, err);
}

sumi_status request_create(request **out, const sumi_request *p, const request_limits *l, sumi_error *err)
{
    *out = NULL;
    sumi_status st = check(p, l, err);
    if (st != SUMI_OK) return st;
    request *r = calloc(1, sizeof *r);
    if (!r) return sumi_fail(err, SUMI_ENOMEM, "out of memory for a request");
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) r->kv_seqs[i] = -1;
    st = copy_params(r, p) ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory for a prompt of %d tokens", p->n_ids);
    if (st == SUMI_OK && p->embed) st = pooling_init(&r->pool, p->embed, l->n_embd, err);
    if (st == SUMI_OK && !p->embed) st = make_choices(r, l, err);
    if (st == SUMI_OK) st = p->beam_width ? make_beams(r, l, err) : make_allowed_early(r, l, err);
    if (st != SUMI_OK) {
        request_destroy(r);
        return st;
    }
    r->sched = (sched_req){ .n_prompt = p->n_ids,
                            .width = r->beams   ? p->beam_width
                                     : p->embed ? 1
                                                : r->n_choices,
                            .priority = p->priority,
                            .gang = r->beams != NULL,
                            .all_rows = p->n_prompt_logprobs >= 0 };
    *out = r;
    return SUMI_OK;
}

void request_destroy(request *r)
{
    if (!r) return;
    for (int32_t i = 0; r->choices && i < r->n_choices; i++) choice_deinit(&r->choices[i]);
    for (int32_t i = 0; r->drafts && i < r->n_choices; i++) draft_deinit(&r->drafts[i]);
    if (r->beams) beam_deinit(r->beams);
    pooling_deinit(&r->pool);
    for (int32_t i = 0; r->stops && i < r->params.n_stop; i++) free(r->stops[i]);
    free(r->beams);
    free(r->choices);
    free(r->drafts);
    free(r->stops);
    free(r->stop_ids);
    free(r->allowed_early);
    free(r->salt);
    free(r->prompt);
    free(r->end_event);
    free(r);
}

int32_t request_token(const request *r, int32_t seq, int32_t pos)
{
    int32_t n_prompt = r->params.n_ids;
    if (pos < n_prompt) return r->prompt[pos];
    if (r->beams) return r->beams->live[seq].tokens[pos - n_prompt].id;
    const choice *c = &r->choices[seq];
    int32_t i = pos - n_prompt;
    if (i >= c->n && r->drafts && i - c->n < r->drafts[seq].n_used) return r->drafts[seq].guess[i - c->n];
    return c->tokens[i < c->n ? i : c->n - 1].id; /* a finished sequence repeats its last token */
}
