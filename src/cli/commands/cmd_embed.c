/* cmd_embed.c - sumi embed: a vector for each line of text, with an engine that computes many lines in one step.
 *
 *   lines ----> tokenize ----> submit ----> [engine: up to WINDOW lines] ----> poll ----> written in the order of lines
 *
 * When no further line can be read yet, finished vectors are written at once: so the command works for pipes that wait for
 * its answers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/npy.h"
#include "cli/open_tokenizer.h"
#include "cli/options/args.h"
#include "cli/options/serving.h"
#include "cli/terminal/lines.h"
#include "cli/terminal/progress.h"
#include "engine/pooling.h"

enum { OPT_POOLING = 256, OPT_RAW, OPT_TRUNCATE, OPT_NPY };
enum { WINDOW = 64 /* two full batches */ };

typedef struct embed_args {
    common_options common;
    const char *model, *file, *npy;
    sumi_pooling pooling;
    bool raw, truncate;
} embed_args;

static const struct argp_option options[] = {
    { "pooling", OPT_POOLING, "mean|last|cls", 0,
      "How hidden states become the vector: their mean, the state of the last token, or of the first (cls, for "
      "encoders); default: as the model's file says, else mean",
      0 },
    { "no-normalize", OPT_RAW, NULL, 0, "Do not scale vectors to length 1", 0 },
    { "truncate", OPT_TRUNCATE, NULL, 0,
      "Cut lines that are longer than the context; without this option they are an error", 0 },
    { "npy", OPT_NPY, "FILE", 0, "Write a NumPy array, float32 [n_lines, n_embd], to FILE instead of JSON", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    embed_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->common; return 0;
    case OPT_POOLING: return cli_pooling(state, "--pooling", arg, &a->pooling);
    case OPT_RAW: a->raw = true; return 0;
    case OPT_TRUNCATE: a->truncate = true; return 0;
    case OPT_NPY: a->npy = arg; return 0;
    case ARGP_KEY_ARG:
        if (!a->model) return cli_model_argument(state, arg, &a->model);
        if (a->file) return cli_mistake(state, "there is no place for '%s': MODEL and FILE are enough", arg);
        a->file = arg;
        return 0;
    case ARGP_KEY_END: return a->model ? 0 : cli_mistake(state, "MODEL is missing");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &common_argp, 0, "Computing:", 10 }, { 0 } };
static const struct argp argp = {
    options,
    parse,
    "MODEL [FILE]",
    "Write one embedding vector for each line of FILE, or of standard input. Similar lines have a high dot product.\v"
    "Prints one JSON object for each line: its index, its number of tokens, the vector.\n\n"
    "Examples:\n"
    "  echo \"a small house\" | sumi embed smollm2\n"
    "  sumi embed smollm2 corpus.txt --npy corpus.npy     in Python: numpy.load(\"corpus.npy\")\n",
    children,
    NULL,
    NULL
};

/* A line that was read and is not written yet. */
typedef struct row {
    int64_t number; /* of the line, from 1 */
    int32_t n_tokens;
    float *x; /* [n_embd] */
    bool done;
} row;

typedef struct embedding_run {
    const embed_args *args;
    sumi_model *model;
    sumi_engine *engine;
    sumi_pooling pooling;
    int32_t n_embd, n_ctx;
    lines in;
    npy npy; /* with --npy; else JSON to standard output */
    row rows[WINDOW];
    int64_t n_read, n_written;
    progress bar;
} embedding_run;

/* ---- Lines in ---- */

static sumi_status submit_line(embedding_run *r, const char *text, size_t n_bytes, sumi_error *err)
{
    row *w = &r->rows[r->n_read % WINDOW];
    sumi_request q = sumi_request_default();
    int32_t *ids;
    uint64_t id;
    uint32_t flags = SUMI_TOKENIZE_SPECIAL | SUMI_TOKENIZE_BOS_EOS;
    sumi_status st = sumi_tokenize(r->model, text, n_bytes, flags, &ids, &q.n_ids, err);
    if (st != SUMI_OK) return st;
    w->number = r->in.n_lines;
    w->done = false;
    if (r->args->truncate) q.n_ids = pooling_truncate(r->model, ids, q.n_ids, r->n_ctx);
    q.ids = ids;
    q.embed = r->pooling;
    q.embed_raw = r->args->raw;
    q.user = w;
    st = sumi_engine_submit(r->engine, &q, &id, err);
    sumi_free(ids);
    if (st == SUMI_OK) r->n_read++;
    return st == SUMI_OK ? st : sumi_fail_in(err, "%s: line %lld", r->in.name, (long long)w->number);
}

/* Submits lines while the window has room; waits for a line only if no other work is left. *more: further lines may
 * follow. */
static sumi_status submit_lines(embedding_run *r, bool *more, sumi_error *err)
{
    while (r->n_read - r->n_written < WINDOW) {
        const char *text;
        size_t n;
        lines_state state = lines_next(&r->in, r->n_read == r->n_written, &text, &n, err);
        if (state == LINES_FAILED) return err->status;
        *more = state != LINES_END;
        if (state != LINES_ONE) return SUMI_OK;
        sumi_status st = submit_line(r, text, n, err);
        if (st != SUMI_OK) return st;
    }
    return SUMI_OK;
}

/* ---- Vectors out ---- */

static sumi_status write_row(embedding_run *r, const row *w, sumi_error *err)
{
    buf out;
    if (r->args->npy) return npy_write(&r->npy, w->x, 1, err);
    buf_init(&out, SIZE_MAX);
    buf_printf(&out, "{\"index\": %lld, \"tokens\": %d, \"embedding\": [", (long long)w->number - 1, w->n_tokens);
    /* Nine digits are enough to read the same float again. */
    for (int32_t i = 0; i < r->n_embd; i++) buf_printf(&out, i ? ", %.9g" : "%.9g", (double)w->x[i]);
    buf_append_str(&out, "]}\n");
    sumi_status st = out.status ? sumi_fail(err, out.status, "standard output: %s", sumi_status_text(out.status))
                                : cli_write_stdout(out.data, out.n, err);
    buf_deinit(&out);
    return st;
}

/* Takes one event, and writes the lines that are complete and next. */
static sumi_status take_event(embedding_run *r, sumi_error *err)
{
    sumi_status st = SUMI_OK;
    sumi_event *e = sumi_engine_poll(r->engine, -1);
    if (!e) return sumi_fail(err, SUMI_ENOMEM, "the engine has stopped");
    row *w = e->user;
    if (e->type == SUMI_EVENT_EMBEDDING) memcpy(w->x, e->embedding, (size_t)r->n_embd * sizeof *w->x);
    if (e->type == SUMI_EVENT_END && e->finish == SUMI_FINISH_STOP) {
        w->done = true;
        w->n_tokens = e->usage.n_prompt;
    } else if (e->type == SUMI_EVENT_END) {
        st = sumi_fail(err, e->error.status, "%s: line %lld: %s", r->in.name, (long long)w->number, e->error.message);
    }
    sumi_event_free(e);
    for (; st == SUMI_OK && r->n_written < r->n_read && r->rows[r->n_written % WINDOW].done; r->n_written++)
        st = write_row(r, &r->rows[r->n_written % WINDOW], err);
    return st;
}

static sumi_status embed_lines(embedding_run *r, sumi_error *err)
{
    sumi_status st = SUMI_OK;
    for (bool more = true; st == SUMI_OK && (more || r->n_written < r->n_read);) {
        if (more) st = submit_lines(r, &more, err);
        if (st == SUMI_OK && r->n_written < r->n_read) st = take_event(r, err);
        progress_show(&r->bar, r->in.n_bytes, "");
    }
    progress_end(&r->bar);
    return st;
}

/* ---- All of it ---- */

static sumi_status start_engine(embedding_run *r, sumi_error *err)
{
    sumi_engine_opts o = sumi_engine_opts_default();
    sumi_engine_stats stats;
    serving_take_common(&o, &r->args->common);
    r->pooling = pooling_or_default(r->args->pooling, r->model);
    o.prefix_cache = r->pooling == SUMI_POOL_LAST; /* a mean takes every token */
    sumi_status st = sumi_engine_create(&r->engine, r->model, &o, err);
    if (st != SUMI_OK) return st;
    sumi_engine_get_stats(r->engine, &stats);
    r->n_ctx = stats.n_ctx;
    return SUMI_OK;
}

static sumi_status run(embedding_run *r, sumi_error *err)
{
    sumi_model_info info;
    sumi_model_get_info(r->model, &info);
    r->n_embd = info.n_embd;
    float *x = calloc((size_t)WINDOW * (size_t)r->n_embd, sizeof *x);
    if (!x) return sumi_fail(err, SUMI_ENOMEM, "out of memory for %d vectors", WINDOW);
    for (int32_t i = 0; i < WINDOW; i++) r->rows[i].x = x + (size_t)i * (size_t)r->n_embd;
    sumi_status st = start_engine(r, err);
    if (st == SUMI_OK && r->args->npy) st = npy_open(&r->npy, r->args->npy, r->n_embd, err);
    r->bar = progress_start("embed", lines_size(&r->in));
    r->bar.on &= lines_size(&r->in) > 0 && (r->args->npy || !isatty(STDOUT_FILENO));
    if (st == SUMI_OK) st = embed_lines(r, err);
    if (st == SUMI_OK && r->args->npy) st = npy_finish(&r->npy, err);
    npy_close(&r->npy);
    sumi_engine_destroy(r->engine);
    free(x);
    return st;
}

int cmd_embed(int argc, char **argv)
{
    embed_args a = { .common = common_options_default() };
    embedding_run r = { .args = &a, .npy.file.fd = -1 };
    sumi_error err;
    if (!cli_parse(&argp, argc, argv, &a)) return EXIT_USAGE;
    sumi_status st = lines_open(&r.in, a.file, TOKENIZER_MAX_TEXT, &err);
    if (st == SUMI_OK) st = cli_open_model(&r.model, a.model, &a.common, &err);
    if (st == SUMI_OK) st = run(&r, &err);
    lines_close(&r.in);
    sumi_model_close(r.model);
    return st == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}
