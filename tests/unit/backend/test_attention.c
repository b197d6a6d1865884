/* test_attention.c - attention over pages against its definition in float64, and against itself: a token's bits do not
 * depend on what else is computed, on how the positions were cut, or on the number of threads. Nor do they depend on what
 * rotations take for the token's position: batches of this test have wrong ones.
 *
 * Contexts end around the borders of blocks, segments and chunks, where sums are cut. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/fp16.h"
#include "base/mem.h"
#include "test_support.h"

enum {
    MAX_POS = 3 * ATTN_CHUNK + 100,
    MAX_BLOCKS = MAX_POS / KV_BLOCK + 1,
    N_LAST = 20,
    N_COPIES = 40,
    MAX_DIM = 2 * (ATTN_ROWS + 2) * 96 /* of all heads: two KV heads, and the largest group that heads of 96 get */
};

/* One sequence in a cache, and queries of its last tokens, or of any if they look both ways. */
typedef struct sequence {
    kv_shape shape;
    int32_t n_heads, len, n_last, first; /* queries are those of positions first .. first + n_last - 1 */
    int32_t table[MAX_BLOCKS];
    float *k, *v; /* [len][n_kv_heads * head_dim], [len][n_kv_heads * v_dim], as they went into the cache; v is NULL
                            where values are the beginning of keys */
    float *q;     /* [n_last][n_heads * head_dim] */
    attention_args args; /* but for q */
    float *sinks;        /* [n_heads], or NULL */
    float *alibi;        /* the same */
    const backend *be;
    kv_store *kv;
    int32_t layer;         /* of kv */
    const int32_t *tables; /* [n_groups][MAX_BLOCKS] of kv; NULL: table alone */
} sequence;

static float *random_rows(test_rng *rng, int32_t n, int32_t n_cols)
{
    float *x = malloc((size_t)n * (size_t)n_cols * sizeof *x);
    assert_non_null(x);
    for (int32_t i = 0; i < n * n_cols; i++) x[i] = test_rng_normal(rng);
    return x;
}

enum { STEP = 50 };

static const int32_t *tables_of(const sequence *s)
{
    return s->tables ? s->tables : s->table;
}

/* Keys k of a step, without norm or rotation. */
static void store_latents(sequence *s, stream *st, const batch *b, float *k, const float *q, float *q_rot)
{
    act *q_nope;
    assert_int_equal(s->be->act_create(s->be, &q_nope, STEP, s->n_heads, ACT_F32, NULL), SUMI_OK);
    latent_args a = {
        .q = q, .k = k, .n_heads = s->n_heads, .n_nope = 1, .q_nope = q_nope, .forms = ACT_F32, .q_rot = q_rot
    };
    s->be->latent_store(st, s->kv, s->layer, b, &a);
    s->be->act_destroy(q_nope);
}

/* Where a key goes and what a token sees follow from slots alone. */
static void move_positions(batch_arrays *a, int32_t n)
{
    for (int32_t i = 0; i < n; i++) a->pos[i] = 100000 - 3 * a->pos[i];
}

/* Writes keys and values into the cache, without norm or rotation. */
static void store(sequence *s, stream *st)
{
    int32_t k_dim = s->shape.n_kv_heads * s->shape.head_dim, v_dim = s->shape.n_kv_heads * s->shape.v_dim;
    static float cos_sin[STEP * 2], q[STEP * MAX_DIM], q_rot[STEP * MAX_DIM];
    batch_arrays arrays;
    assert_true(batch_arrays_init(&arrays, STEP));
    for (int32_t t = 0; t < STEP; t++) cos_sin[2 * t] = 1;
    for (int32_t at = 0; at < s->len; at += STEP) {
        int32_t n = s->len - at < STEP ? s->len - at : STEP;
        batch b = { .table_stride = MAX_BLOCKS };
        arrays.seqs[0] = (batch_seq){ .n_rows = n, .len = at + n, .tables = tables_of(s) };
        batch_set_rows(&b, &arrays, 1);
        move_positions(&arrays, n);
        float *k = s->k + (size_t)at * (size_t)k_dim;
        if (s->shape.latent) {
            store_latents(s, st, &b, k, q, q_rot);
            continue;
        }
        qkv_args a = { .q = q,
                       .k = k,
                       .v = s->v + (size_t)at * (size_t)v_dim,
                       .n_heads = s->n_heads,
                       .rope = { ROPE_HALVES, 2, cos_sin } };
        s->be->qkv_store(st, s->kv, s->layer, &b, &a);
    }
    batch_arrays_deinit(&arrays);
}

/* latent: elements of a value, which is the beginning of its key; 0: values are as long as keys. */
static sequence make_sequence(const backend *be, stream *st, test_rng *rng, int32_t head_dim, int32_t latent,
                              int32_t n_kv_heads, int32_t n_group, int32_t len)
{
    sequence s = { .n_heads = n_kv_heads * n_group, .len = len, .be = be };
    s.shape = (kv_shape){ be->kv_format, n_kv_heads, head_dim, latent ? latent : head_dim, latent > 0 };
    int32_t shift = test_rng_range(rng, 0, MAX_BLOCKS - 1);
    for (int32_t i = 0; i < MAX_BLOCKS; i++)
        s.table[i] = (i * 7 + shift) % MAX_BLOCKS; /* MAX_BLOCKS is not a multiple of 7 */
    s.n_last = len < N_LAST ? len : N_LAST;
    s.k = random_rows(rng, len, n_kv_heads * head_dim);
    if (!latent) s.v = random_rows(rng, len, n_kv_heads * head_dim);
    s.q = random_rows(rng, s.n_last, s.n_heads * head_dim);
    s.args = (attention_args){ .n_heads = s.n_heads,
                               .scale = 2 / sqrtf((float)head_dim),
                               .window = test_rng_range(rng, 0, 1) ? test_rng_range(rng, 1, len + 10) : 0,
                               .softcap = test_rng_range(rng, 0, 1) ? 3.0f : 0,
                               .both_ways = test_rng_range(rng, 0, 2) == 0 };
    s.first = s.args.both_ways ? test_rng_range(rng, 0, len - s.n_last) : len - s.n_last;
    if (test_rng_range(rng, 0, 1)) s.args.sinks = s.sinks = random_rows(rng, 1, s.n_heads);
    for (int32_t h = 0; s.sinks && h < s.n_heads; h++) s.sinks[h] *= 10; /* below, among and above the scores */
    if (test_rng_range(rng, 0, 1)) s.args.alibi = s.alibi = random_rows(rng, 1, s.n_heads);
    for (int32_t h = 0; s.alibi && h < s.n_heads; h++) s.alibi[h] = exp2f(-8 * fabsf(s.alibi[h]));
    kv_layout layout;
    kv_layout_init(&layout, &(kv_layer){ .block_bytes = be->kv_block_bytes(be, &s.shape) }, 1);
    assert_int_equal(be->kv_create(be, &s.kv, &layout, &s.shape, MAX_BLOCKS, NULL), SUMI_OK);
    store(&s, st);
    return s;
}

static void free_sequence(sequence *s)
{
    s->be->kv_destroy(s->kv);
    free(s->k);
    free(s->v);
    free(s->q);
    free(s->sinks);
    free(s->alibi);
}

/* A row that does not follow the one before is the end of a sequence of its own, with the same tables. */
static batch make_batch(const sequence *s, const int32_t *rows, int32_t n, batch_arrays *a)
{
    batch b = {
        .n_tokens = n, .table_stride = MAX_BLOCKS, .seqs = a->seqs, .seq = a->seq, .slot = a->slot, .pos = a->pos
    };
    for (int32_t i = 0; i < n; i++) {
        if (i == 0 || rows[i] != rows[i - 1] + 1)
            a->seqs[b.n_seqs++] = (batch_seq){ .first_row = i, .len = s->len, .tables = tables_of(s) };
        a->seqs[b.n_seqs - 1].n_rows++;
        a->seq[i] = b.n_seqs - 1;
        a->slot[i] = a->pos[i] = s->first + rows[i];
    }
    move_positions(a, n);
    return b;
}

/* Attention of rows, which are numbers of the sequence's queries; out [n][n_heads * v_dim]. */
static void attend(const sequence *s, int32_t n_threads, const int32_t *rows, int32_t n, float *out)
{
    int32_t dim = s->n_heads * s->shape.head_dim, out_dim = s->n_heads * s->shape.v_dim;
    batch_arrays arrays;
    float *q = malloc((size_t)n * (size_t)dim * sizeof *q);
    stream *st;
    act *a;
    assert_true(batch_arrays_init(&arrays, n) && q);
    for (int32_t i = 0; i < n; i++)
        memcpy(q + (size_t)i * (size_t)dim, s->q + (size_t)rows[i] * (size_t)dim, (size_t)dim * sizeof *q);
    assert_int_equal(s->be->stream_create(s->be, &st, n_threads, NULL), SUMI_OK);
    assert_int_equal(s->be->act_create(s->be, &a, n, out_dim, ACT_F32, NULL), SUMI_OK);
    batch b = make_batch(s, rows, n, &arrays);
    attention_args args = s->args;
    args.q = q;
    s->be->attention(st, a, ACT_F32, s->kv, s->layer, &b, &args);
    memcpy(out, a->f32, (size_t)n * (size_t)out_dim * sizeof *out);
    s->be->act_destroy(a);
    s->be->stream_destroy(st);
    free(q);
    batch_arrays_deinit(&arrays);
}

static double rounded(const sequence *s, float x)
{
    return s->shape.format == KV_F32 ? x : fp16_to_f32(fp16_from_f32(x));
}

static double value_at(const sequence *s, int32_t pos, int32_t kv_head, int32_t i)
{
    size_t n = (size_t)s->shape.n_kv_heads, at = (size_t)pos * n + (size_t)kv_head;
    if (s->shape.latent) return rounded(s, s->k[at * (size_t)s->shape.head_dim + (size_t)i]);
    return rounded(s, s->v[at * (size_t)s->shape.v_dim + (size_t)i]);
}

/* One head of one token, as the formula says. */
static void definition(const sequence *s, int32_t row, int32_t head, double *out)
{
    int32_t d = s->shape.head_dim, kv_dim = s->shape.n_kv_heads * d, pos = s->first + row;
    int32_t v_dim = s->shape.v_dim, kv_head = head / (s->n_heads / s->shape.n_kv_heads);
    int32_t window = s->args.window, last = pos, first = window && pos >= window ? pos - window + 1 : 0;
    if (s->args.both_ways) {
        first = window && pos > window / 2 ? pos - window / 2 : 0;
        last = window && pos + window / 2 < s->len ? pos + window / 2 : s->len - 1;
    }
    int32_t at = kv_head * d;
    const float *q = s->q + ((size_t)row * (size_t)s->n_heads + (size_t)head) * (size_t)d;
    double scores[MAX_POS], largest = s->sinks ? s->sinks[head] : -INFINITY, sum = 0;
    for (int32_t p = first; p <= last; p++) {
        double x = 0;
        for (int32_t i = 0; i < d; i++) x += q[i] * rounded(s, s->k[(size_t)p * (size_t)kv_dim + (size_t)(at + i)]);
        x *= s->args.scale;
        scores[p] = s->args.softcap > 0 ? s->args.softcap * tanh(x / s->args.softcap) : x;
        if (s->alibi) scores[p] -= (double)s->alibi[head] * abs(pos - p);
        largest = fmax(largest, scores[p]);
    }
    memset(out, 0, (size_t)v_dim * sizeof *out);
    if (s->sinks) sum = exp(s->sinks[head] - largest);
    for (int32_t p = first; p <= last; p++) {
        double w = exp(scores[p] - largest);
        sum += w;
        for (int32_t i = 0; i < v_dim; i++) out[i] += w * value_at(s, p, kv_head, i);
    }
    for (int32_t i = 0; i < v_dim; i++) out[i] /= sum;
}

/* Scores are sums of head_dim products, of size 2 sqrt(head_dim) in all before the scale: their rounding error is below
 * 2 * gamma(head_dim) * sqrt(head_dim), and moves the result, a mean of values of size 1, by twice that. The sums of
 * weights and values are as many terms as there are positions, but only chains of ATTN_CHUNK. */
static void check_definition(const sequence *s, const float *out)
{
    int32_t d = s->shape.head_dim, v_dim = s->shape.v_dim, row = s->n_last - 1;
    double expected[ATTN_MAX_HEAD], bound = 4 * d * sqrt(d) * 0x1p-24 + 2 * ATTN_CHUNK * 0x1p-24;
    for (int32_t h = 0; h < s->n_heads; h += 1 + s->n_heads / 2) {
        definition(s, row, h, expected);
        for (int32_t i = 0; i < v_dim; i++) {
            float got = out[((size_t)row * (size_t)s->n_heads + (size_t)h) * (size_t)v_dim + (size_t)i];
            if (!(fabs(expected[i] - got) <= bound))
                fail_msg("%s: keys of %d, values of %d, %d heads of %d, %d positions, window %d%s, softcap %g, "
                         "sinks %d, alibi %d: %g, definition %g",
                         s->be->isa, d, v_dim, s->n_heads, s->shape.n_kv_heads, s->len, s->args.window,
                         s->args.both_ways ? " both ways" : "", s->args.softcap, s->sinks != NULL, s->alibi != NULL,
                         got, expected[i]);
        }
    }
}

/* All last tokens at once, each alone on three threads, and each in a crowd of single tokens. */
static void check_bits(const sequence *s, const float *all)
{
    int32_t dim = s->n_heads * s->shape.v_dim, crowd[N_COPIES];
    size_t bytes = (size_t)dim * sizeof(float);
    float *out = malloc(N_COPIES * bytes);
    assert_non_null(out);
    for (int32_t r = 0; r < s->n_last; r += r + 3 < s->n_last ? 3 : 1) {
        attend(s, 1 + r % 3, &r, 1, out);
        if (memcmp(out, all + (size_t)r * (size_t)dim, bytes) != 0)
            fail_msg("%s: %d positions, window %d: token %d alone differs", s->be->isa, s->len, s->args.window, r);
    }
    for (int32_t i = 0; i < N_COPIES; i++) crowd[i] = i * 7 % s->n_last;
    attend(s, 2, crowd, N_COPIES, out);
    for (int32_t i = 0; i < N_COPIES; i++)
        if (memcmp(out + (size_t)i * (size_t)dim, all + (size_t)crowd[i] * (size_t)dim, bytes) != 0)
            fail_msg("%s: %d positions, window %d: token %d in a crowd differs", s->be->isa, s->len, s->args.window,
                     crowd[i]);
    free(out);
}

static void check_sequence(const backend *be, test_rng *rng, int32_t head_dim, int32_t latent, int32_t len)
{
    static const int32_t groups[] = { 1, 2, 3, 4, 5, 7, 8, 9, 13, ATTN_ROWS + 2 };
    stream *st;
    assert_int_equal(be->stream_create(be, &st, 2, NULL), SUMI_OK);
    int32_t n_group = groups[test_rng_range(rng, 0, head_dim > 100 ? 5 : 9)], rows[N_LAST];
    int32_t n_kv_heads = latent ? 1 : test_rng_range(rng, 1, 2);
    sequence s = make_sequence(be, st, rng, head_dim, latent, n_kv_heads, n_group, len);
    float *all = malloc((size_t)s.n_last * (size_t)(s.n_heads * s.shape.v_dim) * sizeof *all);
    assert_non_null(all);
    for (int32_t i = 0; i < s.n_last; i++) rows[i] = i;
    attend(&s, 1, rows, s.n_last, all);
    check_definition(&s, all);
    check_bits(&s, all);
    free(all);
    free_sequence(&s);
    be->stream_destroy(st);
}

static void check_level(cpu_level level, sumi_activations activations, int32_t n_rounds)
{
    static const struct {
        int32_t head_dim, latent;
    } shapes[] = { { 64, 0 }, { 80, 0 },  { 96, 0 },    { 128, 0 }, { 256, 0 }, { 40, 0 },
                   { 6, 0 },  { 96, 64 }, { 576, 512 }, { 40, 32 }, { 12, 8 } };
    enum { N_SHAPES = sizeof shapes / sizeof *shapes };
    static const int32_t borders[] = { 1, KV_BLOCK, 128, ATTN_CHUNK, 2 * ATTN_CHUNK, 3 * ATTN_CHUNK };
    test_rng rng = test_rng_init(5);
    backend *be;
    assert_int_equal(backend_cpu_create(&be, cpu_level_name(level), activations, NULL), SUMI_OK);
    for (int32_t round = 0; round < n_rounds; round++) {
        int32_t len = borders[round % 6] + test_rng_range(&rng, -2, N_LAST + 2);
        check_sequence(be, &rng, shapes[round % N_SHAPES].head_dim, shapes[round % N_SHAPES].latent, len < 1 ? 1 : len);
    }
    print_message("  level %s\n", be->isa);
    be->destroy(be);
}

static void every_level_agrees_with_the_definition_however_the_work_is_cut(void **state)
{
    (void)state;
    for (int level = CPU_AVX2; level <= (int)cpu_best_level(); level++)
        if (cpu_has_level((cpu_level)level)) check_level((cpu_level)level, SUMI_ACTIVATIONS_AUTO, 66);
    check_level(CPU_REF, SUMI_ACTIVATIONS_AUTO, 11);
}

static void a_float32_cache_is_read_by_the_reference_at_every_level(void **state)
{
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++)
        if (cpu_has_level((cpu_level)level)) check_level((cpu_level)level, SUMI_ACTIVATIONS_F32, 11);
}

enum { N_LAYERS = 5 };

/* All numbers of the pool, in any order: each group has tables of its own. */
static void deal_blocks(test_rng *rng, int32_t *tables, int32_t n)
{
    for (int32_t i = 0; i < n; i++) tables[i] = i;
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t other = test_rng_range(rng, 0, i), kept = tables[i];
        tables[i] = tables[other];
        tables[other] = kept;
    }
}

/* Each layer has a sequence of its own in a store of its own. Then the keys and values of all go into one store, whose layers
 * have different formats: attention has the same bits. latent as in make_sequence(). */
static void check_mixture(backend *be, stream *st, test_rng *rng, int32_t head_dim, int32_t latent)
{
    static const kv_format formats[N_LAYERS] = { KV_F16, KV_F32, KV_F16, KV_F32, KV_F16 };
    static int32_t tables[N_LAYERS * MAX_BLOCKS];
    static float own[N_LAYERS][N_LAST * MAX_DIM], mixed[N_LAST * MAX_DIM];
    sequence s[N_LAYERS];
    kv_layer layers[N_LAYERS];
    kv_shape shapes[N_LAYERS];
    int32_t rows[N_LAST];
    kv_layout layout;
    kv_store *all;
    for (int32_t i = 0; i < N_LAST; i++) rows[i] = i;
    for (int32_t i = 0; i < N_LAYERS; i++) {
        be->kv_format = formats[i];
        s[i] = make_sequence(be, st, rng, head_dim, latent, latent ? 1 : 2, 3, test_rng_range(rng, 1, 200));
        attend(&s[i], 1, rows, s[i].n_last, own[i]);
        shapes[i] = s[i].shape;
        layers[i] = (kv_layer){ 0, (int32_t)formats[i], be->kv_block_bytes(be, &shapes[i]) };
        be->kv_destroy(s[i].kv);
    }
    kv_layout_init(&layout, layers, N_LAYERS);
    assert_true(layout.n_groups > 2 && layout.n_groups <= N_LAYERS);
    deal_blocks(rng, tables, layout.n_groups * MAX_BLOCKS);
    assert_int_equal(be->kv_create(be, &all, &layout, shapes, layout.n_groups * MAX_BLOCKS, NULL), SUMI_OK);
    for (int32_t i = 0; i < N_LAYERS; i++) {
        s[i].kv = all;
        s[i].layer = i;
        s[i].tables = tables;
        store(&s[i], st);
    }
    for (int32_t i = 0; i < N_LAYERS; i++) {
        attend(&s[i], 1, rows, s[i].n_last, mixed);
        assert_memory_equal(mixed, own[i], (size_t)(s[i].n_last * s[i].n_heads * s[i].shape.v_dim) * sizeof(float));
        s[i].kv = NULL;
        free_sequence(&s[i]);
    }
    be->kv_destroy(all);
}

static void layers_of_different_formats_in_one_store_have_the_bits_of_layers_alone(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(9);
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++) {
        backend *be;
        stream *st;
        if (!cpu_has_level((cpu_level)level)) continue;
        assert_int_equal(backend_cpu_create(&be, cpu_level_name((cpu_level)level), SUMI_ACTIVATIONS_AUTO, NULL),
                         SUMI_OK);
        assert_int_equal(be->stream_create(be, &st, 2, NULL), SUMI_OK);
        for (int round = 0; round < 4; round++) check_mixture(be, st, &rng, round % 2 ? 48 : 32, round < 2 ? 0 : 32);
        be->stream_destroy(st);
        be->destroy(be);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_agrees_with_the_definition_however_the_work_is_cut),
        cmocka_unit_test(a_float32_cache_is_read_by_the_reference_at_every_level),
        cmocka_unit_test(layers_of_different_formats_in_one_store_have_the_bits_of_layers_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
