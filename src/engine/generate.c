/* generate.c - the loop from a prompt to an answer: prefill, then choose, deliver, feed back, until something ends it.
 *
 *   logits -> sampler -> id -> detok -> whole characters -> stop matcher -> bytes that are certain -> on_piece()
 *               ^                                                                       |
 *               '------- sumi_step(id) <------------------------------------------------'
 *
 * Each token gives one piece, at once, even when its text is not certain yet (half a character, the begin of a stop
 * string): so a callback can stop an answer that prints nothing. What was held back comes in a last piece without
 * tokens. After the first tokens no memory is allocated: the buffers have grown to the longest token's text. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/sized.h"
#include "engine/context.h"
#include "engine/model.h"
#include "sample/stop.h"
#include "text/detok.h"

/* Text of one token: the longest tokens of real vocabularies have a few hundred bytes, and stop strings hold back at
 * most STOP_MAX_BYTES; more than this is a damaged vocabulary. */
#define MAX_PIECE_BYTES ((size_t)1 << 24)

#define WATCHED_TOKENS 128 /* of a step whose progress somebody watches: a fraction of a second for most models */

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
    /* The text of an encoder is one step. */
    if (progress && most > WATCHED_TOKENS && !context_model(ctx)->info.is_encoder) most = WATCHED_TOKENS;
    for (int32_t done = 0; done < n_ids;) {
        int32_t n = n_ids - done < most ? n_ids - done : most;
        sumi_span span = { .seq = seq, .n_ids = n, .ids = ids + done,
                           .want = done + n == n_ids ? SUMI_WANT_LAST : SUMI_WANT_NONE };
        bool go_on = !progress || progress(user, (uint64_t)done, (uint64_t)n_ids);
        sumi_status st = go_on ? sumi_step(ctx, &span, 1, err) : sumi_fail(err, SUMI_ECANCELLED, "the prompt was cancelled");
        if (st != SUMI_OK) {
            sumi_seq_truncate(ctx, seq, held); /* all or nothing, as a step */
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
    const sumi_model *model;
    int32_t seq, n_ctx, n_vocab;
    const sumi_generate_opts *opts;
    sumi_sampler *sampler;
    stop_matcher *stop;
    detok detok;
    buf text;         /* decoded by the last token */
    buf ready;        /* what of it, and of text held back before, is certain */
    sumi_choice *top; /* [n_logprobs] */
} run;

static void run_deinit(run *r)
{
    sumi_sampler_destroy(r->sampler);
    stop_destroy(r->stop);
    buf_deinit(&r->text);
    buf_deinit(&r->ready);
    free(r->top);
}

static sumi_status run_init(run *r, sumi_context *ctx, int32_t seq, const sumi_generate_opts *opts, sumi_error *err)
{
    sumi_context_info context_info;
    sumi_model_info model_info;
    *r = (run){ .ctx = ctx, .model = context_model(ctx), .seq = seq, .opts = opts };
    sumi_context_get_info(ctx, &context_info);
    sumi_model_get_info(r->model, &model_info);
    r->n_ctx = context_info.n_ctx;
    r->n_vocab = model_info.n_vocab;
    detok_init(&r->detok, model_tokenizer(r->model), false);
    detok_continue(&r->detok); /* a space of the first token belongs between prompt and answer */
    buf_init(&r->text, MAX_PIECE_BYTES);
    buf_init(&r->ready, MAX_PIECE_BYTES);
    if (opts->max_tokens < -1) return sumi_fail(err, SUMI_EINVAL, "max_tokens is %d; -1 is no limit", opts->max_tokens);
    if (opts->n_logprobs < 0 || opts->n_logprobs > r->n_vocab)
        return sumi_fail(err, SUMI_EINVAL, "n_logprobs is %d; it must be between 0 and %d", opts->n_logprobs, r->n_vocab);
    if (opts->n_logprobs > 0 && !(r->top = calloc((size_t)opts->n_logprobs, sizeof *r->top)))
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for %d log-probabilities", opts->n_logprobs);
    sumi_status st = stop_create(&r->stop, opts->stop, opts->n_stop, err);
    if (st != SUMI_OK) return st;
    return sumi_sampler_create(&r->sampler, r->n_vocab, &opts->sampling, err);
}

/* Gives the certain text, and n_choices (0 or 1) tokens with their alternatives, to the callback. */
static bool deliver(run *r, const sumi_choice *choice, int32_t n_choices)
{
    if (!r->opts->on_piece) return true;
    sumi_piece piece = { .text = r->ready.data ? r->ready.data : "",
                         .n_bytes = r->ready.n,
                         .choices = choice,
                         .top = n_choices > 0 ? r->top : NULL,
                         .n_choices = n_choices };
    return r->opts->on_piece(r->opts->user, &piece);
}

/* Moves what the decoder gave to `ready`. True: a stop string is complete. */
static bool pass_text(run *r)
{
    bool found = stop_push(r->stop, r->text.data, r->text.n, &r->ready);
    r->text.n = 0;
    return found;
}

/* Text that was held back for what might have followed. */
static void deliver_rest(run *r)
{
    r->ready.n = 0;
    detok_flush(&r->detok, &r->text);
    if (!pass_text(r)) stop_flush(r->stop, &r->ready);
    if (r->ready.n > 0) deliver(r, NULL, 0);
}

/* Why the loop ends after a token, or that it goes on. */
typedef enum outcome { GO_ON, END_TOKEN, STOP_STRING, CANCELLED } outcome;

static outcome take_token(run *r, const sumi_choice *choice)
{
    bool is_end = !r->opts->ignore_eos && sumi_token_is_end(r->model, choice->id), stopped = false;
    r->ready.n = 0;
    if (!is_end) {
        detok_push(&r->detok, choice->id, &r->text);
        stopped = pass_text(r);
    }
    bool wanted = deliver(r, choice, 1);
    if (stopped) return STOP_STRING;
    if (is_end) return END_TOKEN;
    return wanted ? GO_ON : CANCELLED;
}

/* Chooses from the logits of the last step until the end; *finish and *n_generated tell of it. */
static sumi_status decode(run *r, double start_ms, sumi_generation *result, sumi_error *err)
{
    const sumi_generate_opts *o = r->opts;
    while (o->max_tokens < 0 || result->n_generated < o->max_tokens) {
        sumi_choice choice;
        const float *logits = sumi_logits(r->ctx, 0);
        if (r->top) sumi_top_logprobs(logits, r->n_vocab, o->n_logprobs, r->top);
        sumi_status st = sumi_sampler_next(r->sampler, logits, &choice, err);
        if (st != SUMI_OK) return st;
        if (result->n_generated++ == 0) result->prefill_ms = clock_ms() - start_ms;
        outcome out = take_token(r, &choice);
        if (r->text.status != SUMI_OK || r->ready.status != SUMI_OK)
            return sumi_fail(err, r->text.status == SUMI_OK ? r->ready.status : r->text.status,
                             "token %d: its text does not fit into memory", choice.id);
        result->finish = out == CANCELLED ? SUMI_FINISH_CANCELLED : SUMI_FINISH_STOP;
        if (out == END_TOKEN) deliver_rest(r);
        if (out != GO_ON) return SUMI_OK;
        if (result->n_generated == o->max_tokens || sumi_seq_len(r->ctx, r->seq) == r->n_ctx) break;
        sumi_span span = { .seq = r->seq, .n_ids = 1, .ids = &choice.id, .want = SUMI_WANT_LAST };
        st = sumi_step(r->ctx, &span, 1, err);
        if (st == SUMI_ELIMIT) break; /* no block left for the next token: the context ends here */
        if (st != SUMI_OK) return st;
    }
    result->finish = SUMI_FINISH_LENGTH;
    deliver_rest(r);
    return SUMI_OK;
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
        sumi_sampler_accept(r.sampler, r.opts->seen, r.opts->n_seen);
        sumi_sampler_accept(r.sampler, ids, n_ids);
        st = decode(&r, start, &g, err);
    }
    if (g.n_generated == 0) g.prefill_ms = clock_ms() - start;
    g.decode_ms = clock_ms() - start - g.prefill_ms;
    run_deinit(&r);
    if (st == SUMI_OK && result) *result = g;
    return st;
}
