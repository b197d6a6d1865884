/* context.c - sequences and steps: turns spans of new tokens into a ragged batch and runs it.
 *
 * A step has two acts. context_forward() is a transaction on block tables:
 *   check every span -> reserve blocks for all -> forward pass
 * A failure before the forward pass gives reserved blocks back, so no sequence changes; the pass itself cannot fail. It
 * writes after the committed tokens of a sequence, where nothing is read. context_keep() commits the first of the new tokens
 * and gives the blocks of the others back: lengths, windows and the prefix index change only there.
 *
 * Truncating below the oldest block that a windowed layer still holds empties the keys and values of the sequence. Its
 * length and ids stay, and the next step that needs the sequence recomputes its keys and values first. */
#include "engine/context.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/os/cpu.h"
#include "base/sized.h"
#include "engine/sumi_model.h"
#include "kv/kv_cache.h"

#define MAX_THREADS 1024
#define MAX_SEQS    65536
#define MAX_TOKENS  (1 << 20)

/* Rows of the last forward pass whose tokens are neither kept nor dropped yet; n 0: none. */
typedef struct open_rows {
    int32_t first, n;
} open_rows;

struct sumi_context {
    sumi_model *model;
    workspace *ws;
    kv_cache *cache;
    kv_store *store;
    kv_swap *swap; /* NULL: none */
    sumi_context_info info;
    int32_t max_logit_rows;
    int32_t n_logit_rows, n_hidden_rows; /* of the last step */
    int32_t *len;         /* [max_seqs] tokens; the cache has as many, or none after a truncation. -1: not open */
    uint64_t *in_step;    /* [max_seqs] number of its last step, to refuse a sequence that occurs twice in one */
    open_rows *open_rows; /* [max_seqs] */
    int32_t n_open;       /* sequences with open rows */
    uint64_t n_steps;
    batch_arrays arrays;                   /* of the batch, like the next three */
    int32_t *ids, *kept_rows, *logit_rows; /* [max_batch_tokens] each */
    int32_t *hidden_rows; /* [max_batch_tokens] indices in kept_rows of the rows whose hidden states are wanted */
};

void sumi_context_opts_init(sumi_context_opts *opts, size_t size)
{
    const sumi_context_opts defaults = { .size = size, .max_seqs = 16, .max_batch_tokens = 512, .max_logit_rows = 64 };
    sized_give(opts, size, &defaults, sizeof defaults);
}

/* ---- Creation ---- */

static sumi_status in_range(const char *name, int32_t value, int32_t low, int32_t high, sumi_error *err)
{
    if (value >= low && value <= high) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "%s is %d, not in %d..%d", name, value, low, high);
}

sumi_status context_check_opts(const sumi_context_opts *o, sumi_error *err)
{
    sumi_status s = in_range("n_threads", o->n_threads, 0, MAX_THREADS, err);
    if (s == SUMI_OK) s = in_range("n_ctx", o->n_ctx, 0, 1 << 30, err);
    if (s == SUMI_OK) s = in_range("max_seqs", o->max_seqs, 1, MAX_SEQS, err);
    if (s == SUMI_OK) s = in_range("max_batch_tokens", o->max_batch_tokens, 1, MAX_TOKENS, err);
    if (s == SUMI_OK) s = in_range("max_logit_rows", o->max_logit_rows, 1, MAX_TOKENS, err);
    return s;
}

/* The longest sequence that n_blocks hold if it is alone, at most n_ctx: the largest length whose demand fits. */
static int32_t longest_sequence(const kv_layout *l, int64_t n_blocks, int32_t n_ctx, int32_t max_step)
{
    int32_t fits = 0, too_long = n_ctx + 1;
    while (too_long - fits > 1) {
        int32_t middle = fits + (too_long - fits) / 2;
        *(kv_layout_seq_blocks(l, middle, max_step) <= n_blocks ? &fits : &too_long) = middle;
    }
    return fits;
}

/* How many blocks the pool gets: see kv_bytes in sumi.h. */
static sumi_status choose_blocks(sumi_context *c, const kv_layout *l, const sumi_context_opts *o,
                                 const context_cache_opts *k, sumi_error *err)
{
    size_t block_bytes = l->block_bytes, bytes = o->kv_bytes, quarter = mem_available_bytes() / 4;
    size_t one_sequence = (size_t)kv_layout_seq_blocks(l, c->info.n_ctx, c->info.max_batch_tokens);
    if (!bytes && k->fill_memory) bytes = quarter;
    if (!bytes) bytes = quarter && quarter / block_bytes < one_sequence ? quarter : one_sequence * block_bytes;
    size_t n_blocks = bytes / block_bytes, useful = one_sequence * (size_t)c->info.max_seqs;
    if (n_blocks > useful) n_blocks = useful;
    if (n_blocks > INT32_MAX) n_blocks = INT32_MAX;
    if (n_blocks < (size_t)l->n_groups)
        return sumi_fail(err, SUMI_ELIMIT, "kv cache: %zu bytes do not hold one block of %d tokens (%zu bytes)", bytes,
                         KV_BLOCK, block_bytes * (size_t)l->n_groups);
    c->info.max_seq_tokens = longest_sequence(l, (int64_t)n_blocks, c->info.n_ctx, c->info.max_batch_tokens);
    /* If the user gave no n_ctx, a sequence is no longer than the pool: the model's file may claim any length. */
    if (!o->n_ctx) c->info.n_ctx = c->info.max_seq_tokens;
    c->info.n_blocks = (int32_t)n_blocks;
    c->info.kv_bytes = n_blocks * block_bytes;
    c->info.kv_block = KV_BLOCK;
    return SUMI_OK;
}

static sumi_status make_swap(sumi_context *c, const kv_layout *l, const context_cache_opts *k, sumi_error *err)
{
    const char *tmp = getenv("TMPDIR");
    if (!k->swap_bytes) return SUMI_OK;
    return kv_swap_create(&c->swap,
                          k->swap_dir   ? k->swap_dir
                          : tmp && *tmp ? tmp
                                        : "/tmp",
                          k->swap_bytes, l->block_bytes, err);
}

static sumi_status make_cache(sumi_context *c, const sumi_context_opts *o, const context_cache_opts *k, sumi_error *err)
{
    const backend *be = c->model->be;
    kv_layout layout;
    model_kv_layout(c->model->weights, &layout);
    sumi_status status = choose_blocks(c, &layout, o, k, err);
    if (status == SUMI_OK) status = make_swap(c, &layout, k, err);
    if (status == SUMI_OK) status = model_kv_create(c->model->weights, &c->store, &layout, c->info.n_blocks, err);
    if (status != SUMI_OK) return status;
    kv_cache_opts opts = { .layout = &layout,
                           .memory = be->kv_memory(c->store),
                           .n_blocks = c->info.n_blocks,
                           .max_seqs = c->info.max_seqs,
                           .max_tokens = c->info.n_ctx,
                           .prefix = k->prefix,
                           .swap = c->swap };
    return kv_cache_create(&c->cache, &opts, err);
}

static bool alloc_tables(sumi_context *c)
{
    size_t n_seqs = (size_t)c->info.max_seqs, n_tokens = (size_t)c->info.max_batch_tokens;
    c->len = malloc(n_seqs * sizeof *c->len);
    c->in_step = calloc(n_seqs, sizeof *c->in_step);
    c->open_rows = calloc(n_seqs, sizeof *c->open_rows);
    c->ids = calloc(n_tokens, sizeof *c->ids);
    c->kept_rows = calloc(n_tokens, sizeof *c->kept_rows);
    c->logit_rows = calloc(n_tokens, sizeof *c->logit_rows);
    c->hidden_rows = calloc(n_tokens, sizeof *c->hidden_rows);
    if (c->len) memset(c->len, -1, n_seqs * sizeof *c->len);
    return c->len && c->in_step && c->open_rows && c->ids && c->kept_rows && c->logit_rows && c->hidden_rows &&
           batch_arrays_init(&c->arrays, c->info.max_batch_tokens);
}

static sumi_status build(sumi_context *c, const sumi_context_opts *o, const context_cache_opts *k, sumi_error *err)
{
    if (!alloc_tables(c)) return sumi_fail(err, SUMI_ENOMEM, "context: out of memory");
    sumi_status status = make_cache(c, o, k, err);
    if (status != SUMI_OK) return status;
    status = workspace_create(&c->ws, c->model->weights, c->info.n_threads, c->info.n_ctx, c->info.max_batch_tokens,
                              c->max_logit_rows, err);
    if (status == SUMI_OK && o->pin) status = c->model->be->stream_pin(c->ws->s, err);
    return status;
}

sumi_status sumi_context_create(sumi_context **out, sumi_model *m, const sumi_context_opts *opts, sumi_error *err)
{
    return context_create(out, m, opts, &(context_cache_opts){ 0 }, err);
}

sumi_status context_create(sumi_context **out, sumi_model *m, const sumi_context_opts *opts,
                           const context_cache_opts *cache, sumi_error *err)
{
    sumi_context_opts o = sumi_context_opts_default();
    *out = NULL;
    if (!m->weights) return sumi_fail(err, SUMI_EINVAL, "the model was opened for its vocabulary only");
    sumi_status status = sized_take(&o, sizeof o, opts, "sumi_context_opts", err);
    if (status == SUMI_OK) status = context_check_opts(&o, err);
    if (status != SUMI_OK) return status;
    sumi_context *c = calloc(1, sizeof *c);
    if (!c) return sumi_fail(err, SUMI_ENOMEM, "context: out of memory");
    int32_t trained = m->info.n_ctx_train ? m->info.n_ctx_train : 2048;
    c->model = m;
    c->max_logit_rows = o.max_logit_rows < o.max_batch_tokens ? o.max_logit_rows : o.max_batch_tokens;
    c->info = (sumi_context_info){ .n_ctx = o.n_ctx ? o.n_ctx : trained,
                                   .max_seqs = o.max_seqs,
                                   .n_threads = o.n_threads ? o.n_threads : cpu_count(),
                                   .max_batch_tokens = o.max_batch_tokens };
    if (m->info.is_encoder && c->info.max_batch_tokens < c->info.n_ctx) c->info.max_batch_tokens = c->info.n_ctx;
    if (c->info.n_ctx > trained)
        log_message(&m->log, SUMI_LOG_WARN,
                    "a context of %d tokens is longer than the %d that the model was trained for", c->info.n_ctx,
                    trained);
    if ((status = build(c, &o, cache, err))) {
        sumi_context_destroy(c);
        return status;
    }
    log_message(&m->log, SUMI_LOG_INFO, "context of %d tokens: %.1f MiB for keys and values in %d blocks, %d threads",
                c->info.n_ctx, (double)c->info.kv_bytes / 0x1p20, c->info.n_blocks, c->info.n_threads);
    *out = c;
    return SUMI_OK;
}

void sumi_context_destroy(sumi_context *c)
{
    if (!c) return;
    workspace_destroy(c->model->weights, c->ws);
    kv_cache_destroy(c->cache);
    kv_swap_destroy(c->swap);
    if (c->store) c->model->be->kv_destroy(c->store);
    free(c->len);
    free(c->in_step);
    free(c->open_rows);
    free(c->ids);
    free(c->kept_rows);
    free(c->logit_rows);
    free(c->hidden_rows);
    batch_arrays_deinit(&c->arrays);
    free(c);
}

void sumi_context_get_info_sized(const sumi_context *c, sumi_context_info *info, size_t size)
{
    sumi_context_info now = c->info;
    now.n_free = kv_cache_available(c->cache);
    sized_give(info, size, &now, sizeof now);
}

const sumi_model *context_model(const sumi_context *c)
{
    return c->model;
}

uint64_t context_expert_bytes(const sumi_context *c)
{
    return c->model->be->expert_bytes(c->ws->s);
}

kv_cache *context_cache(const sumi_context *c)
{
    return c->cache;
}

/* The most blocks that `width` sequences of n_tokens hold if they share a prompt. With windows they finally share blocks
 * only in layers that see all tokens; this is not subtracted. */
static int64_t shared_blocks(const sumi_context *c, const kv_layout *l, int32_t n_prompt, int32_t width,
                             int32_t n_tokens)
{
    int64_t each = kv_layout_seq_blocks(l, n_tokens, c->info.max_batch_tokens);
    if (width == 1 || l->window[l->n_groups - 1] > 0) return each * width;
    int64_t prompt = kv_layout_seq_blocks(l, n_prompt, c->info.max_batch_tokens);
    return prompt + width * (each - prompt + l->n_groups); /* and the prompt's last block, which each of them copies */
}

int32_t context_longest(const sumi_context *c, int32_t n_prompt, int32_t width)
{
    kv_layout l;
    model_kv_layout(c->model->weights, &l);
    int32_t fits = n_prompt - 1, too_long = c->info.n_ctx + 1;
    while (too_long - fits > 1) {
        int32_t middle = fits + (too_long - fits) / 2;
        *(shared_blocks(c, &l, n_prompt, width, middle) <= c->info.n_blocks ? &fits : &too_long) = middle;
    }
    return fits;
}

/* ---- Sequences ---- */

static bool seq_is_open(const sumi_context *c, int32_t seq)
{
    return seq >= 0 && seq < c->info.max_seqs && c->len[seq] >= 0;
}

static sumi_status too_many_open(const sumi_context *c, sumi_error *err)
{
    return sumi_fail(err, SUMI_ELIMIT, "all %d sequences of the context are open", c->info.max_seqs);
}

int32_t context_open_seq(sumi_context *c, kv_origin origin)
{
    int32_t seq = kv_cache_open(c->cache, origin);
    if (seq >= 0) c->len[seq] = 0;
    return seq;
}

/* Commits the first n uncommitted tokens of a sequence and drops the others. */
static void close_rows(sumi_context *c, int32_t seq, int32_t n)
{
    open_rows *rows = &c->open_rows[seq];
    assert(n >= 0 && n <= rows->n);
    if (rows->n == 0) return;
    if (n > 0) kv_cache_commit(c->cache, seq, c->ids + rows->first, n);
    if (n < rows->n) kv_cache_truncate(c->cache, seq, kv_cache_len(c->cache, seq)); /* gives their blocks back */
    rows->n = 0;
    c->n_open--;
}

int32_t context_attach(sumi_context *c, int32_t seq, const int32_t *ids, int32_t n_ids)
{
    close_rows(c, seq, 0);
    return c->len[seq] = kv_cache_attach(c->cache, seq, ids, n_ids);
}

sumi_status sumi_seq_open(sumi_context *c, int32_t *seq, sumi_error *err)
{
    *seq = context_open_seq(c, (kv_origin){ 0 });
    return *seq < 0 ? too_many_open(c, err) : SUMI_OK;
}

void sumi_seq_close(sumi_context *c, int32_t seq)
{
    if (!seq_is_open(c, seq)) return;
    close_rows(c, seq, 0);
    kv_cache_close(c->cache, seq);
    c->len[seq] = -1;
}

int32_t sumi_seq_len(const sumi_context *c, int32_t seq)
{
    return seq_is_open(c, seq) ? c->len[seq] : 0;
}

void sumi_seq_truncate(sumi_context *c, int32_t seq, int32_t n_tokens)
{
    if (!seq_is_open(c, seq)) return;
    close_rows(c, seq, 0);
    if (n_tokens >= c->len[seq]) return;
    c->len[seq] = n_tokens > 0 ? n_tokens : 0;
    if (c->len[seq] < kv_cache_len(c->cache, seq)) kv_cache_truncate(c->cache, seq, c->len[seq]);
}

/* ---- Steps ---- */

static sumi_status check_span(sumi_context *c, const sumi_span *s, sumi_error *err)
{
    if (!seq_is_open(c, s->seq)) return sumi_fail(err, SUMI_EINVAL, "sequence %d is not open", s->seq);
    if (c->in_step[s->seq] == c->n_steps)
        return sumi_fail(err, SUMI_EINVAL, "sequence %d occurs twice in one step", s->seq);
    c->in_step[s->seq] = c->n_steps;
    if (s->n_ids < 1)
        return sumi_fail(err, SUMI_EINVAL, "sequence %d: %d new tokens; a step needs at least one of each sequence",
                         s->seq, s->n_ids);
    int32_t len = c->len[s->seq];
    if (s->n_ids > c->info.n_ctx - len)
        return sumi_fail(err, SUMI_ELIMIT, "sequence %d: %d + %d tokens are more than the context of %d", s->seq, len,
                         s->n_ids, c->info.n_ctx);
    for (int32_t i = 0; i < s->n_ids; i++)
        if (s->ids[i] < 0 || s->ids[i] >= c->model->info.n_vocab)
            return sumi_fail(err, SUMI_EINVAL, "sequence %d: token id %d is not in the vocabulary of %d", s->seq,
                             s->ids[i], c->model->info.n_vocab);
    return SUMI_OK;
}

static bool wants_all(sumi_want want)
{
    return want == SUMI_WANT_ALL || want == SUMI_WANT_HIDDEN_ALL;
}

static bool wants_logits(sumi_want want)
{
    return want == SUMI_WANT_ALL || want == SUMI_WANT_LAST;
}

/* An encoder computes a text in one span. */
static sumi_status check_encoder_span(const sumi_context *c, const sumi_span *s, sumi_error *err)
{
    if (wants_logits(s->want)) return model_check_generates(c->model, err);
    if (!c->model->info.is_encoder) return SUMI_OK;
    if (c->len[s->seq] == 0) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL,
                     "sequence %d has %d tokens: it cannot grow, because an encoder computes a text in one step",
                     s->seq, c->len[s->seq]);
}

static sumi_status check_spans(sumi_context *c, const sumi_span *spans, int32_t n_spans, sumi_error *err)
{
    int64_t n_tokens = 0, n_rows = 0;
    c->n_steps++;
    if (n_spans < 1) return sumi_fail(err, SUMI_EINVAL, "a step needs at least one sequence");
    for (int32_t i = 0; i < n_spans; i++) {
        sumi_status status = check_span(c, &spans[i], err);
        if (status == SUMI_OK) status = check_encoder_span(c, &spans[i], err);
        if (status != SUMI_OK) return status;
        n_tokens += spans[i].n_ids;
        n_rows += spans[i].want == SUMI_WANT_ALL ? spans[i].n_ids : spans[i].want == SUMI_WANT_LAST;
    }
    if (n_tokens > c->info.max_batch_tokens)
        return sumi_fail(err, SUMI_ELIMIT, "a step of %lld tokens; the limit is %d", (long long)n_tokens,
                         c->info.max_batch_tokens);
    if (n_rows > c->max_logit_rows)
        return sumi_fail(err, SUMI_ELIMIT, "a step with %lld rows of logits; the limit is %d", (long long)n_rows,
                         c->max_logit_rows);
    return SUMI_OK;
}

static sumi_status no_blocks(const sumi_context *c, int32_t n_tokens, sumi_error *err)
{
    return sumi_fail(err, SUMI_ELIMIT,
                     "kv cache: not enough blocks for %d more tokens (%d of %d are free); give it more memory",
                     n_tokens, kv_cache_available(c->cache), c->info.n_blocks);
}

static void give_back(sumi_context *c, const sumi_span *spans, int32_t n_spans)
{
    for (int32_t i = 0; i < n_spans; i++)
        kv_cache_truncate(c->cache, spans[i].seq, kv_cache_len(c->cache, spans[i].seq));
}

static sumi_status reserve_blocks(sumi_context *c, const sumi_span *spans, int32_t n_spans, sumi_error *err)
{
    for (int32_t i = 0; i < n_spans; i++) {
        if (kv_cache_reserve(c->cache, spans[i].seq, spans[i].n_ids)) continue;
        sumi_status status = no_blocks(c, spans[i].n_ids, err);
        give_back(c, spans, i);
        return status;
    }
    return SUMI_OK;
}

/* Adds a row of b to the kept rows, for the wanted result of its span. */
static void keep_row(sumi_context *c, batch *b, int32_t row, sumi_want want)
{
    if (wants_logits(want)) c->logit_rows[b->n_logit_rows++] = b->n_kept_rows;
    else c->hidden_rows[c->n_hidden_rows++] = b->n_kept_rows;
    c->kept_rows[b->n_kept_rows++] = row;
}

/* True if the caller wants a result of token t of the span. */
static bool is_wanted(const sumi_span *s, int32_t t)
{
    if (s->want == SUMI_WANT_NONE) return false;
    return wants_all(s->want) || t == (s->want == SUMI_WANT_HIDDEN_FIRST ? 0 : s->n_ids - 1);
}

static void make_batch(sumi_context *c, const sumi_span *spans, int32_t n_spans, batch *b)
{
    int32_t row = 0;
    *b = (batch){ .ids = c->ids,
                  .kept_rows = c->kept_rows,
                  .logit_rows = c->logit_rows,
                  .table_stride = kv_cache_table_stride(c->cache) };
    c->n_hidden_rows = 0;
    for (int32_t i = 0; i < n_spans; i++) {
        const sumi_span *s = &spans[i];
        c->arrays.seqs[i] = (batch_seq){ .first_row = row,
                                         .n_rows = s->n_ids,
                                         .len = kv_cache_len(c->cache, s->seq) + s->n_ids,
                                         .tables = kv_cache_tables(c->cache, s->seq),
                                         .adapter = kv_cache_origin(c->cache, s->seq).adapter };
        memcpy(c->ids + row, s->ids, (size_t)s->n_ids * sizeof *c->ids);
        for (int32_t t = 0; t < s->n_ids; t++)
            if (is_wanted(s, t)) keep_row(c, b, row + t, s->want);
        row += s->n_ids;
    }
    batch_set_rows(b, &c->arrays, n_spans);
}

/* Reserves and computes. */
static sumi_status run_spans(sumi_context *c, const sumi_span *spans, int32_t n_spans, sumi_error *err)
{
    batch b;
    sumi_status status = reserve_blocks(c, spans, n_spans, err);
    if (status != SUMI_OK) return status;
    mem_forbid();
    make_batch(c, spans, n_spans, &b);
    model_forward(c->model->weights, c->ws, c->store, &b);
    mem_permit();
    for (int32_t i = 0; i < n_spans; i++)
        c->open_rows[spans[i].seq] = (open_rows){ b.seqs[i].first_row, b.seqs[i].n_rows };
    c->n_open = n_spans;
    c->n_logit_rows = b.n_logit_rows;
    return SUMI_OK;
}

/* Recomputes the keys and values that a truncation lost: see the top of this file. */
static sumi_status restore(sumi_context *c, int32_t seq, sumi_error *err)
{
    for (int32_t n; (n = c->len[seq] - kv_cache_len(c->cache, seq)) > 0;) {
        sumi_span span = { .seq = seq,
                           .n_ids = n < c->info.max_batch_tokens ? n : c->info.max_batch_tokens,
                           .ids = kv_cache_ids(c->cache, seq) + kv_cache_len(c->cache, seq) };
        sumi_status status = run_spans(c, &span, 1, err);
        if (status != SUMI_OK) return status;
        close_rows(c, seq, span.n_ids);
    }
    return SUMI_OK;
}

sumi_status context_forward(sumi_context *c, const sumi_span *spans, int32_t n_spans, sumi_error *err)
{
    sumi_status status = check_spans(c, spans, n_spans, err);
    if (status != SUMI_OK) return status;
    for (int32_t seq = 0; seq < c->info.max_seqs && c->n_open; seq++) close_rows(c, seq, 0);
    for (int32_t i = 0; i < n_spans && status == SUMI_OK; i++) status = restore(c, spans[i].seq, err);
    return status == SUMI_OK ? run_spans(c, spans, n_spans, err) : status;
}

void context_keep(sumi_context *c, int32_t seq, int32_t n)
{
    close_rows(c, seq, n);
    c->len[seq] += n;
}

sumi_status sumi_step(sumi_context *c, const sumi_span *spans, int32_t n_spans, sumi_error *err)
{
    sumi_status status = context_forward(c, spans, n_spans, err);
    for (int32_t i = 0; i < n_spans && status == SUMI_OK; i++) context_keep(c, spans[i].seq, spans[i].n_ids);
    return status;
}

sumi_status sumi_seq_fork(sumi_context *c, int32_t src, int32_t *dst, sumi_error *err)
{
    *dst = -1;
    if (!seq_is_open(c, src)) return sumi_fail(err, SUMI_EINVAL, "sequence %d is not open", src);
    close_rows(c, src, 0);
    sumi_status status = restore(c, src, err);
    if (status != SUMI_OK) return status;
    if ((*dst = kv_cache_fork(c->cache, src)) < 0) return too_many_open(c, err);
    c->len[*dst] = c->len[src];
    return SUMI_OK;
}

const float *sumi_logits(const sumi_context *c, int32_t row)
{
    if (row < 0 || row >= c->n_logit_rows) return NULL;
    return c->ws->logits + (size_t)row * (size_t)c->model->info.n_vocab;
}

int32_t sumi_n_logit_rows(const sumi_context *c)
{
    return c->n_logit_rows;
}

const float *sumi_hidden(const sumi_context *c, int32_t row)
{
    if (row < 0 || row >= c->n_hidden_rows) return NULL;
    return c->ws->hidden + (size_t)c->hidden_rows[row] * (size_t)c->model->info.n_embd;
}

int32_t sumi_n_hidden_rows(const sumi_context *c)
{
    return c->n_hidden_rows;
}
