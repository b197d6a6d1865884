/* generate.c - one answer without an engine: prefill, then choose, deliver, feed back, until the answer ends.
 *
 *   sumi_logits() -> choice_next() -> a token, and text that is certain -> on_piece()
 *        ^                                                                    |
 *        '---------------------- sumi_step(token) <---------------------------'
 *
 * Decoding and the end of the answer are those of the engine (choice.h). Each token gives one piece at once, even if its
 * text is not certain yet (half a character, the beginning of a stop string): so a callback can stop an answer that prints
 * no text. Text that was held back is in a last piece without tokens. */
#include "base/error.h"
#include "base/os/clock.h"
#include "base/sized.h"
#include "engine/context.h"
#include "engine/sumi_model.h"
#include "engine/requests/choice.h"

#define WATCHED_TOKENS 128 /* of a step with a progress callback: a fraction of a second for most models */

void sumi_generate_opts_init(sumi_generate_opts *opts, size_t size)
{
    const sumi_generate_opts defaults = { .size = size, .sampling = sumi_sampling_default(), .max_tokens = -1 };
    sized_give(opts, size, &defaults, sizeof defaults);
}

sumi_status sumi_prefill(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids, sumi_error *err)
{
    return sumi_prefill_watched(ctx, seq, ids, n_ids, NULL, NULL, err);
}

sumi_status sumi_prefill_watched(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids,
                                 sumi_progress_fn progress, void *user, sumi_error *err)
{
    sumi_context_info info;
    sumi_context_get_info(ctx, &info);
    int32_t held = sumi_seq_len(ctx, seq);
    if (n_ids < 1) return sumi_fail(err, SUMI_EINVAL, "prompt: no tokens");
    if (n_ids > info.n_ctx - held && held == 0)
        return sumi_fail(err, SUMI_ELIMIT, "the prompt has %d tokens, but the context holds %d", n_ids, info.n_ctx);
    if (n_ids > info.n_ctx - held)
        return sumi_fail(err, SUMI_ELIMIT, "%d more tokens after %d do not fit into the context of %d", n_ids, held,
                         info.n_ctx);
    int32_t most = info.max_batch_tokens;
    /* An encoder computes a text in one step. */
    if (progress && most > WATCHED_TOKENS && !context_model(ctx)->info.is_encoder) most = WATCHED_TOKENS;
    for (int32_t done = 0; done < n_ids;) {
        int32_t n = n_ids - done < most ? n_ids - done : most;
        sumi_span span = {
            .seq = seq, .n_ids = n, .ids = ids + done, .want = done + n == n_ids ? SUMI_WANT_LAST : SUMI_WANT_NONE
        };
        bool go_on = !progress || progress(user, (uint64_t)done, (uint64_t)n_ids);
        sumi_status st = go_on ? sumi_step(ctx, &span, 1, err)
                               : sumi_fail(err, SUMI_ECANCELLED, "the prompt was cancelled");
        if (st != SUMI_OK) {
            sumi_seq_truncate(ctx, seq, held); /* like a step, a failed call changes nothing */
            return st;
        }
        done += n;
    }
    if (progress && !progress(user, (uint64_t)n_ids, (uint64_t)n_ids)) {
        sumi_seq_truncate(ctx, seq, held);
        return sumi_fail(err, SUMI_ECANCELLED, "the prompt was cancelled");
    }
    return SUMI_OK;
}

/* One call of sumi_generate(). */
typedef struct run {
    sumi_context *ctx;
    int32_t seq, n_ctx;
    const sumi_generate_opts *opts;
    choice_rules rules;
    choice answer;
} run;

static sumi_status run_init(run *r, sumi_context *ctx, int32_t seq, const sumi_generate_opts *opts, sumi_error *err)
{
    sumi_context_info context_info;
    sumi_model_info model_info;
    const sumi_model *m = context_model(ctx);
    sumi_context_get_info(ctx, &context_info);
    sumi_model_get_info(m, &model_info);
    int32_t n_vocab = model_info.n_vocab;
    *r = (run){ .ctx = ctx, .seq = seq, .n_ctx = context_info.n_ctx, .opts = opts };
    r->rules = (choice_rules){ .model = m,
                               .n_vocab = n_vocab,
                               .max_tokens = opts->max_tokens,
                               .ignore_eos = opts->ignore_eos,
                               .stop = opts->stop };
    if (opts->max_tokens < -1)
        return sumi_fail(err, SUMI_EINVAL, "max_tokens is %d; it must be at least -1, which means no limit",
                         opts->max_tokens);
    if (opts->n_logprobs < 0 || opts->n_logprobs > n_vocab)
        return sumi_fail(err, SUMI_EINVAL, "n_logprobs is %d; it must be between 0 and %d", opts->n_logprobs, n_vocab);
    sumi_status st = choice_init(&r->answer, model_tokenizer(m), false, opts->n_logprobs, false, 1, err);
    if (st == SUMI_OK) st = stop_create(&r->answer.stop, opts->stop, opts->n_stop, err);
    if (st == SUMI_OK) st = sumi_sampler_create(&r->answer.sampler, n_vocab, &opts->sampling, err);
    if (st == SUMI_OK && opts->max_tokens == 0) choice_finish(&r->answer, SUMI_FINISH_LENGTH);
    return st;
}

/* Gives the certain text, and the new tokens with their alternatives, to the callback. */
static bool deliver(run *r)
{
    choice *c = &r->answer;
    sumi_piece piece = { .text = c->ready.data ? c->ready.data : "",
                         .n_bytes = c->ready.n,
                         .choices = c->n_new > 0 ? &c->tokens[c->n - c->n_new] : NULL,
                         .top = c->n_new > 0 ? c->top : NULL,
                         .n_choices = c->n_new };
    c->ready.n = 0;
    c->n_new = 0;
    return !r->opts->on_piece || r->opts->on_piece(r->opts->user, &piece);
}

/* Computes the logits that follow the last token. If the sequence has no place for the token, the answer ends. */
static sumi_status feed_back(run *r, sumi_error *err)
{
    choice *c = &r->answer;
    sumi_span span = { .seq = r->seq, .n_ids = 1, .ids = &c->tokens[c->n - 1].id, .want = SUMI_WANT_LAST };
    bool is_full = sumi_seq_len(r->ctx, r->seq) == r->n_ctx;
    sumi_status st = is_full ? SUMI_ELIMIT : sumi_step(r->ctx, &span, 1, err);
    if (st != SUMI_ELIMIT) return st;
    choice_finish(c, SUMI_FINISH_LENGTH);
    return SUMI_OK;
}

/* Generates from the logits of the last step until the end; fills *result. */
static sumi_status decode(run *r, double start_ms, sumi_generation *result, sumi_error *err)
{
    choice *c = &r->answer;
    while (!c->ended) {
        sumi_status st = choice_next(c, &r->rules, sumi_logits(r->ctx, 0), err);
        if (st != SUMI_OK) return st;
        if (result->n_generated++ == 0) result->prefill_ms = clock_ms() - start_ms;
        bool wanted = deliver(r), stopped = c->ended && c->finish == SUMI_FINISH_STOP;
        if (!wanted && !stopped) {
            result->finish = SUMI_FINISH_CANCELLED;
            return SUMI_OK;
        }
        if (!c->ended && (st = feed_back(r, err)) != SUMI_OK) return st;
    }
    result->finish = c->finish;
    sumi_status st = choice_flush(c, err);
    if (st == SUMI_OK && c->ready.n > 0) deliver(r);
    return st;
}

sumi_status sumi_generate(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids,
                          const sumi_generate_opts *opts, sumi_generation *result, sumi_error *err)
{
    run r;
    double start = clock_ms();
    sumi_generate_opts o = sumi_generate_opts_default();
    sumi_generation g = { .n_prompt = n_ids };
    sumi_status st = sized_take(&o, sizeof o, opts, "sumi_generate_opts", err);
    if (st != SUMI_OK) return st;
    st = run_init(&r, ctx, seq, &o, err);
    if (st == SUMI_OK) st = sumi_prefill_watched(ctx, seq, ids, n_ids, o.on_prompt, o.user, err);
    if (st == SUMI_ECANCELLED) {
        g.finish = SUMI_FINISH_CANCELLED;
        st = SUMI_OK;
    } else if (st == SUMI_OK) {
        sumi_sampler_accept(r.answer.sampler, r.opts->seen, r.opts->n_seen);
        sumi_sampler_accept(r.answer.sampler, ids, n_ids);
        st = decode(&r, start, &g, err);
    }
    if (g.n_generated == 0) g.prefill_ms = clock_ms() - start;
    g.decode_ms = clock_ms() - start - g.prefill_ms;
    choice_deinit(&r.answer);
    if (st == SUMI_OK && result) *result = g;
    return st;
}
