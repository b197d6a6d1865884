/* test_keep.c - a step in two acts (context.h): what of a step is not kept never was.
 *
 * Random programs open sequences whose prompts share beginnings in the prefix index, fork them, and keep none, some or all of
 * the tokens of each step. The models have windows of 8 tokens, which slide at most steps. In the end every token that was kept
 * has the logits that a context without an index, which never saw a rejected token, gives it in one step, bit for bit. */
#include <stdlib.h>
#include <string.h>

#include "engine/context.h"
#include "engine/sumi_model.h"
#include "forward.h"

enum { MAX_LEN = 60, MAX_LIVE = 6, MAX_SPAN = 12, N_STEMS = 4, STEM_LEN = 40, BLOCK = KV_BLOCK };

/* A sequence, and the logits of its kept tokens. */
typedef struct track {
    int32_t seq, len, n_found, n_prompt, n_max; /* n_found: tokens from the index, which have no logits here */
    int32_t ids[MAX_LEN];
    float *rows; /* [MAX_LEN][n_vocab] */
} track;

typedef struct world {
    sumi_model *model;
    sumi_context *ctx, *plain; /* plain: the oracle */
    int32_t n_vocab, n_live, n_blocks;
    int32_t stems[N_STEMS][STEM_LEN];
    track live[MAX_LIVE];
    test_rng rng;
    int64_t n_ended, n_forks, n_found, n_slid, n_rejected, n_steps_kept[3]; /* none, some, all */
} world;

static int32_t pick(world *w, int32_t low, int32_t high)
{
    return test_rng_range(&w->rng, low, high);
}

static int32_t any_id(world *w)
{
    return pick(w, 0, w->n_vocab - 1);
}

static sumi_context *open_context(sumi_model *m, int32_t max_seqs, bool prefix)
{
    sumi_context *ctx;
    sumi_context_opts opts = sumi_context_opts_default();
    opts.n_threads = 1;
    opts.n_ctx = MAX_LEN;
    opts.max_seqs = max_seqs;
    opts.max_batch_tokens = opts.max_logit_rows = MAX_LIVE * MAX_SPAN;
    opts.kv_bytes = (size_t)1 << 24; /* the context takes what max_seqs sequences need, and no more */
    assert_int_equal(context_create(&ctx, m, &opts, &(context_cache_opts){ .prefix = prefix }, NULL), SUMI_OK);
    return ctx;
}

/* mixed: every other layer has another format. */
static world open_world(const char *path, uint64_t seed, bool mixed)
{
    world w = { .rng = test_rng_init(seed) };
    sumi_model_info info;
    assert_int_equal(sumi_model_open(&w.model, test_source_path(path), NULL, NULL), SUMI_OK);
    sumi_model_get_info(w.model, &info);
    for (int32_t i = 1; mixed && i < info.n_layers; i += 2) w.model->weights->layers[i].kv_format = KV_F32;
    w.n_vocab = info.n_vocab;
    w.ctx = open_context(w.model, MAX_LIVE, true);
    w.plain = open_context(w.model, 1, false);
    for (int32_t i = 0; i < N_STEMS * STEM_LEN; i++) w.stems[i / STEM_LEN][i % STEM_LEN] = any_id(&w);
    for (int32_t i = 0; i < MAX_LIVE; i++) {
        w.live[i].rows = malloc((size_t)MAX_LEN * (size_t)w.n_vocab * sizeof(float));
        assert_non_null(w.live[i].rows);
    }
    return w;
}

static const char *wrong_with(const sumi_context *ctx)
{
    return kv_cache_check(context_cache(ctx));
}

static void close_world(world *w)
{
    sumi_context_info info;
    const char *broken = wrong_with(w->ctx);
    if (broken) fail_msg("%s", broken);
    kv_cache_drop_cached(context_cache(w->ctx));
    sumi_context_get_info(w->ctx, &info);
    assert_int_equal(info.n_free, info.n_blocks);
    for (int32_t i = 0; i < MAX_LIVE; i++) free(w->live[i].rows);
    sumi_context_destroy(w->ctx);
    sumi_context_destroy(w->plain);
    sumi_model_close(w->model);
}

static float *row_of(const world *w, const track *t, int32_t i)
{
    return t->rows + (size_t)i * (size_t)w->n_vocab;
}

/* Logits of ids [n] in a sequence of their own. */
static void compute_plain(world *w, const int32_t *ids, int32_t n)
{
    int32_t seq;
    assert_int_equal(sumi_seq_open(w->plain, &seq, NULL), SUMI_OK);
    sumi_span span = { .seq = seq, .ids = ids, .n_ids = n, .want = SUMI_WANT_ALL };
    assert_int_equal(sumi_step(w->plain, &span, 1, NULL), SUMI_OK);
    sumi_seq_close(w->plain, seq);
}

static void end_track(world *w, int32_t i)
{
    track *t = &w->live[i], ended = *t;
    assert_int_equal(sumi_seq_len(w->ctx, t->seq), t->len);
    if (t->len) compute_plain(w, t->ids, t->len);
    for (int32_t k = t->n_found; k < t->len; k++)
        if (memcmp(row_of(w, t, k), sumi_logits(w->plain, k), (size_t)w->n_vocab * sizeof(float)) != 0)
            fail_msg("seed %llu, sequence %lld of %d tokens: token %d has other logits",
                     (unsigned long long)w->rng.seed, (long long)w->n_ended, t->len, k);
    sumi_seq_close(w->ctx, t->seq);
    *t = w->live[--w->n_live];
    w->live[w->n_live] = ended; /* its rows */
    w->n_ended++;
    w->n_slid += ended.len > BLOCK + 8;
}

/* Its prompt begins as a stem does. */
static void open_track(world *w)
{
    track *t = &w->live[w->n_live++];
    const int32_t *stem = w->stems[pick(w, 0, N_STEMS - 1)];
    int32_t n_stem = pick(w, 1, STEM_LEN);
    t->n_prompt = n_stem + pick(w, 0, 3);
    t->n_max = pick(w, t->n_prompt, t->n_prompt + 9);
    for (int32_t i = 0; i < t->n_prompt; i++) t->ids[i] = i < n_stem ? stem[i] : any_id(w);
    t->seq = context_open_seq(w->ctx, (kv_origin){ 0 });
    t->len = t->n_found = context_attach(w->ctx, t->seq, t->ids, t->n_prompt);
    w->n_found += t->n_found > 0;
}

static void fork_track(world *w, const track *from)
{
    if (from->len == MAX_LEN) return;
    track *t = &w->live[w->n_live++];
    float *rows = t->rows;
    *t = *from;
    t->rows = rows;
    memcpy(rows, from->rows, (size_t)(t->len * w->n_vocab) * sizeof *rows);
    assert_int_equal(sumi_seq_fork(w->ctx, from->seq, &t->seq, NULL), SUMI_OK);
    t->n_prompt = t->len; /* goes its own way */
    t->n_max = pick(w, t->len + 1, t->len + 9 < MAX_LEN ? t->len + 9 : MAX_LEN);
    w->n_forks++;
}

/* The next tokens of a prompt, or any. */
static int32_t next_ids(world *w, const track *t, int32_t *ids)
{
    int32_t left = (t->len < t->n_prompt ? t->n_prompt : t->n_max) - t->len;
    int32_t n = pick(w, 1, left < MAX_SPAN ? left : MAX_SPAN);
    for (int32_t i = 0; i < n; i++) ids[i] = t->len + i < t->n_prompt ? t->ids[t->len + i] : any_id(w);
    return n;
}

/* Keeps some of n tokens, whose logits begin with row. */
static void keep(world *w, track *t, const int32_t *ids, int32_t n, int32_t row)
{
    int32_t kind = pick(w, 0, 4), kept = kind == 0 ? 0 : kind < 3 ? pick(w, 0, n) : n;
    assert_int_equal(sumi_seq_len(w->ctx, t->seq), t->len);
    if (kept || pick(w, 0, 1)) context_keep(w->ctx, t->seq, kept); /* a sequence without a keep keeps none */
    for (int32_t i = 0; i < kept; i++, t->len++) {
        t->ids[t->len] = ids[i];
        memcpy(row_of(w, t, t->len), sumi_logits(w->ctx, row + i), (size_t)w->n_vocab * sizeof(float));
    }
    w->n_rejected += n - kept;
    w->n_steps_kept[kept == n ? 2 : kept > 0]++;
}

static void step(world *w)
{
    sumi_span spans[MAX_LIVE];
    track *tracks[MAX_LIVE];
    int32_t ids[MAX_LIVE][MAX_SPAN], n = 0, row = 0;
    for (int32_t i = 0; i < w->n_live; i++) {
        if (w->n_live > 1 && pick(w, 0, 3) == 0) continue;
        tracks[n] = &w->live[i];
        spans[n] = (sumi_span){ .seq = tracks[n]->seq, .ids = ids[n], .want = SUMI_WANT_ALL };
        spans[n].n_ids = next_ids(w, tracks[n], ids[n]);
        n++;
    }
    if (n == 0) return;
    assert_int_equal(context_forward(w->ctx, spans, n, NULL), SUMI_OK);
    for (int32_t i = 0; i < n; i++) {
        keep(w, tracks[i], ids[i], spans[i].n_ids, row);
        row += spans[i].n_ids;
    }
    for (int32_t i = w->n_live - 1; i >= 0; i--)
        if (w->live[i].len >= w->live[i].n_max) end_track(w, i);
}

static void run_programs(const char *path, uint64_t seed, int64_t n_sequences, bool mixed)
{
    world w = open_world(path, seed, mixed);
    while (w.n_ended < n_sequences) {
        int32_t what = pick(&w, 0, 9);
        if (w.n_live == 0 || (what < 3 && w.n_live < MAX_LIVE)) open_track(&w);
        else if (what < 5 && w.n_live < MAX_LIVE) fork_track(&w, &w.live[pick(&w, 0, w.n_live - 1)]);
        else if (what == 5 && pick(&w, 0, 9) == 0) end_track(&w, pick(&w, 0, w.n_live - 1));
        else step(&w);
        const char *broken = w.n_ended % 16 ? NULL : wrong_with(w.ctx);
        if (broken) fail_msg("seed %llu: %s", (unsigned long long)seed, broken);
    }
    while (w.n_live) end_track(&w, 0);
    print_message(
        "  %s: %lld sequences, %lld forks, %lld with a prefix from the index, %lld past a window; %lld tokens "
        "rejected; steps that kept none %lld, some %lld, all %lld\n",
        path, (long long)w.n_ended, (long long)w.n_forks, (long long)w.n_found, (long long)w.n_slid,
        (long long)w.n_rejected, (long long)w.n_steps_kept[0], (long long)w.n_steps_kept[1],
        (long long)w.n_steps_kept[2]);
    assert_true(w.n_forks > n_sequences / 10 && w.n_found > n_sequences / 20 && w.n_slid > n_sequences / 4);
    for (int i = 0; i < 3; i++) assert_true(w.n_steps_kept[i] > n_sequences / 4);
    close_world(&w);
}

/* SUMI_TEST_SEQUENCES: how many in each model. */
static int64_t n_sequences(int64_t usual)
{
    const char *wanted = getenv("SUMI_TEST_SEQUENCES");
    int64_t few = usual / 20 < 200 ? 200 : usual / 20; /* enough for shares to be near their means */
    return wanted ? strtoll(wanted, NULL, 10) : test_is_short() ? few : usual;
}

static void sequences_that_keep_a_part_of_each_step_have_the_bits_of_those_that_never_had_more(void **state)
{
    (void)state;
    run_programs("tests/golden/tiny/gemma2.gguf", 3, n_sequences(10000), false);
    run_programs("tests/golden/tiny/gemma3.gguf", 4, n_sequences(500), false);
    run_programs("tests/golden/tiny/gemma3.gguf", 5, n_sequences(500), true);
}

/* ---- By hand ---- */

/* A step over ids, nothing of it kept yet. */
static void forward(world *w, int32_t seq, const int32_t *ids, int32_t n)
{
    sumi_span span = { .seq = seq, .ids = ids, .n_ids = n, .want = SUMI_WANT_LAST };
    assert_int_equal(context_forward(w->ctx, &span, 1, NULL), SUMI_OK);
}

static int32_t open_with(world *w, const int32_t *ids, int32_t n)
{
    int32_t seq = context_open_seq(w->ctx, (kv_origin){ 0 });
    forward(w, seq, ids, n);
    context_keep(w->ctx, seq, n);
    return seq;
}

static int32_t n_free(const world *w)
{
    sumi_context_info info;
    sumi_context_get_info(w->ctx, &info);
    return info.n_free;
}

/* A window of 8 slides past block 0 when the 23rd token is there. */
static void nothing_moves_before_tokens_are_kept(void **state)
{
    (void)state;
    world w = open_world("tests/golden/tiny/gemma2.gguf", 5, false);
    kv_cache *cache = context_cache(w.ctx);
    const int32_t *ids = w.stems[0];
    int32_t seq = open_with(&w, ids, 20), stride = kv_cache_table_stride(cache), before = n_free(&w);
    const int32_t *tables = kv_cache_tables(cache, seq);
    for (int round = 0; round < 2; round++) {
        forward(&w, seq, ids + 20, 14);
        assert_int_equal(sumi_seq_len(w.ctx, seq), 20);
        assert_true(n_free(&w) < before);
        for (int32_t g = 0; g < 2; g++) assert_true(tables[g * stride] >= 0);
        assert_int_equal(kv_cache_match(cache, (kv_origin){ 0 }, ids, 40), BLOCK);
        context_keep(w.ctx, seq, 0);
        assert_int_equal(n_free(&w), before);
        for (int32_t g = 0; g < 2; g++) assert_true(tables[g * stride] >= 0);
        assert_int_equal(kv_cache_match(cache, (kv_origin){ 0 }, ids, 40), BLOCK);
    }
    forward(&w, seq, ids + 20, 14);
    context_keep(w.ctx, seq, 2);
    for (int32_t g = 0; g < 2; g++) assert_true(tables[g * stride] >= 0);
    forward(&w, seq, ids + 22, 14);
    context_keep(w.ctx, seq, 10); /* 32 tokens: two full blocks, and the window has left the first */
    assert_int_equal(sumi_seq_len(w.ctx, seq), 32);
    assert_int_equal((tables[0] >= 0) + (tables[stride] >= 0), 1);
    assert_int_equal(kv_cache_match(cache, (kv_origin){ 0 }, ids, 40), 2 * BLOCK);
    sumi_seq_close(w.ctx, seq);
    close_world(&w);
}

static void a_sequence_that_is_used_again_keeps_nothing_of_the_step_before(void **state)
{
    (void)state;
    world w = open_world("tests/golden/tiny/gemma2.gguf", 6, false);
    const int32_t *ids = w.stems[0];
    int32_t seq = open_with(&w, ids, 10), other = open_with(&w, w.stems[1], 5), fork, before = n_free(&w);
    size_t bytes = (size_t)w.n_vocab * sizeof(float);
    forward(&w, seq, w.stems[2], 12);
    forward(&w, other, w.stems[2], 1); /* a step without the sequence */
    assert_int_equal(n_free(&w), before);
    forward(&w, seq, w.stems[2], 12);
    assert_int_equal(sumi_seq_fork(w.ctx, seq, &fork, NULL), SUMI_OK);
    assert_int_equal(n_free(&w), before);
    assert_int_equal(sumi_seq_len(w.ctx, fork), 10);
    sumi_seq_close(w.ctx, fork);
    forward(&w, seq, w.stems[2], 12);
    sumi_seq_truncate(w.ctx, seq, 9);
    assert_int_equal(n_free(&w), before);
    assert_int_equal(sumi_seq_len(w.ctx, seq), 9);
    forward(&w, seq, w.stems[2], 12);
    sumi_seq_truncate(w.ctx, seq, 9); /* to its length */
    assert_int_equal(n_free(&w), before);
    forward(&w, seq, w.stems[2], 12);
    forward(&w, seq, ids + 9, 5);
    context_keep(w.ctx, seq, 5);
    compute_plain(&w, ids, 14);
    assert_memory_equal(sumi_logits(w.ctx, 0), sumi_logits(w.plain, 13), bytes);
    forward(&w, seq, w.stems[2], 12);
    sumi_seq_close(w.ctx, seq);
    sumi_seq_close(w.ctx, other);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_moves_before_tokens_are_kept),
        cmocka_unit_test(a_sequence_that_is_used_again_keeps_nothing_of_the_step_before),
        cmocka_unit_test(sequences_that_keep_a_part_of_each_step_have_the_bits_of_those_that_never_had_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
