/* answer.c - see answer.h. */
#include "cli/chat/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os/clock.h"
#include "base/printable.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"

#define MAX_ANSWER_BYTES ((size_t)256 << 20)

void answer_init(answer *a, FILE *stream)
{
    *a = (answer){ .stream = stream, .is_terminal = stream && isatty(fileno(stream)) };
    buf_init(&a->text, MAX_ANSWER_BYTES);
}

void answer_deinit(answer *a)
{
    buf_deinit(&a->text);
    free(a->ids);
    json_decref(a->logprobs);
    *a = (answer){ 0 };
}

/* Prints n bytes at once, whole characters. A model may say anything, and a terminal obeys escape sequences: it gets
 * '?' for what could steer it. */
static bool print(answer *a, const char *text, size_t n)
{
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t code;
        len = printable_utf8(text + i, n - i, &code);
        if (a->is_terminal && !printable_shown(code) && code != '\n' && code != '\t') fputc('?', a->stream);
        else fwrite(text + i, 1, len, a->stream);
    }
    if (fflush(a->stream) == 0) return true;
    a->write_errno = errno;
    a->status = SUMI_EIO;
    return false;
}

static bool keep_id(answer *a, int32_t id)
{
    if (a->n_ids == a->cap_ids) {
        int32_t cap = a->cap_ids ? a->cap_ids * 2 : 256;
        int32_t *ids = realloc(a->ids, (size_t)cap * sizeof *ids);
        if (!ids) return false;
        a->ids = ids;
        a->cap_ids = cap;
    }
    a->ids[a->n_ids++] = id;
    return true;
}

static json_t *choice_json(const sumi_choice *c)
{
    return json_pack("{s:i, s:f}", "id", (int)c->id, "logprob", (double)c->logprob);
}

/* {"id", "logprob", "top": [...]} for one token. json_array_append_new() fails for a NULL item. */
static bool keep_logprobs(answer *a, const sumi_choice *choice, const sumi_choice *top)
{
    json_t *token = choice_json(choice), *list = json_array();
    bool ok = token && list;
    for (int32_t i = 0; ok && i < a->n_logprobs && top[i].id >= 0; i++)
        ok = json_array_append_new(list, choice_json(&top[i])) == 0;
    ok = ok && json_object_set(token, "top", list) == 0 && json_array_append(a->logprobs, token) == 0;
    json_decref(list);
    json_decref(token);
    return ok;
}

static bool on_piece(void *user, const sumi_piece *piece)
{
    answer *a = user;
    buf_append(&a->text, piece->text, piece->n_bytes);
    bool ok = a->text.status == SUMI_OK;
    for (int32_t i = 0; ok && i < piece->n_choices; i++) {
        ok = keep_id(a, piece->choices[i].id);
        if (ok && piece->top) ok = keep_logprobs(a, &piece->choices[i], piece->top + i * a->n_logprobs);
    }
    if (!ok) a->status = SUMI_ENOMEM;
    if (ok && a->stream && piece->n_bytes > 0) ok = print(a, piece->text, piece->n_bytes);
    return ok && !interrupt_pending();
}

/* Feeds the prompt up to its last step, so that progress can be shown and Ctrl-C is heard between steps. *n_held
 * grows. */
static sumi_status feed_long_prompt(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids, int32_t *n_held,
                                    sumi_error *err)
{
    sumi_context_info info;
    sumi_context_get_info(ctx, &info);
    sumi_status st = SUMI_OK;
    int32_t start = *n_held;
    if (n_ids > info.n_ctx) /* refused before the work, not after it */
        return sumi_fail(
            err, SUMI_ELIMIT,
            "the prompt has %d tokens, but the context holds %d (a kv cache of %.1f MiB): raise --ctx or --kv-memory",
            (int)n_ids, (int)info.n_ctx, (double)info.kv_bytes / 1048576);
    progress bar = progress_start("reading", n_ids - start); /* silent unless stderr is a terminal */
    while (st == SUMI_OK && n_ids - *n_held > info.max_batch_tokens && !interrupt_pending()) {
        st = sumi_prefill(ctx, seq, ids + *n_held, info.max_batch_tokens, err);
        if (st == SUMI_OK) *n_held += info.max_batch_tokens;
        progress_show(&bar, *n_held - start, "");
    }
    progress_end(&bar);
    return st;
}

sumi_status answer_run(answer *a, sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids, int32_t n_held,
                       const sumi_generate_opts *opts, sumi_error *err)
{
    sumi_generate_opts o = *opts;
    sumi_generation g = { .finish = SUMI_FINISH_CANCELLED };
    int32_t fed_from = n_held;
    double start = clock_ms();
    a->n_logprobs = o.n_logprobs;
    o.sampling.skip_logprob = o.n_logprobs == 0; /* they are not printed */
    if (o.n_logprobs > 0 && !a->logprobs && !(a->logprobs = json_array()))
        return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = feed_long_prompt(ctx, seq, ids, n_ids, &n_held, err);
    double long_ms = clock_ms() - start;
    if (st == SUMI_OK && !interrupt_pending()) {
        o.on_piece = on_piece;
        o.user = a;
        o.seen = ids;
        o.n_seen = n_held;
        st = sumi_generate(ctx, seq, ids + n_held, n_ids - n_held, &o, &g, err);
    }
    if (st != SUMI_OK) return st;
    g.n_prompt = n_ids - fed_from;
    g.prefill_ms += long_ms;
    a->stats = g;
    if (a->status == SUMI_EIO) return sumi_fail(err, SUMI_EIO, "standard output: %s", strerror(a->write_errno));
    if (a->status != SUMI_OK) return sumi_fail(err, a->status, "the answer: out of memory");
    return SUMI_OK;
}

static double per_second(int32_t n, double ms)
{
    return ms > 0 && n > 0 ? n * 1000.0 / ms : 0;
}

json_t *answer_json(const answer *a)
{
    static const char *const finish[] = { "stop", "length", "cancelled" };
    const sumi_generation *g = &a->stats;
    json_t *ids = json_array();
    for (int32_t i = 0; ids && i < a->n_ids; i++) json_array_append_new(ids, json_integer(a->ids[i]));
    json_t *o = json_pack("{s:o, s:o, s:s, s:{s:i, s:i, s:i}, s:{s:f, s:f, s:f, s:f}}", "text",
                          json_stringn(a->text.n ? a->text.data : "", a->text.n), "tokens", ids, "finish",
                          finish[g->finish], "usage", "prompt_tokens", (int)g->n_prompt, "completion_tokens",
                          (int)g->n_generated, "total_tokens", (int)(g->n_prompt + g->n_generated), "timings",
                          "prefill_ms", g->prefill_ms, "decode_ms", g->decode_ms, "prompt_per_second",
                          per_second(g->n_prompt, g->prefill_ms), "decode_per_second",
                          per_second(g->n_generated - 1, g->decode_ms));
    if (o && a->logprobs) json_object_set(o, "logprobs", a->logprobs);
    return o;
}

const char *answer_cut(const answer *a, const sumi_generate_opts *opts)
{
    if (a->stats.finish != SUMI_FINISH_LENGTH) return NULL;
    return a->stats.n_generated == opts->max_tokens ? "(cut at --max-tokens)" : "(cut: the context is full)";
}

void answer_print_stats(const answer *a, FILE *out)
{
    const sumi_generation *g = &a->stats;
    fprintf(out, "%d prompt tokens in %.0f ms (%.1f/s), %d tokens in %.0f ms", (int)g->n_prompt, g->prefill_ms,
            per_second(g->n_prompt, g->prefill_ms), (int)g->n_generated, g->decode_ms);
    if (g->n_generated > 1) fprintf(out, " (%.1f/s)", per_second(g->n_generated - 1, g->decode_ms));
    fputc('\n', out);
}
