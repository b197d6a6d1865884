/* test_invariance.c - a token's logits and hidden state are bit for bit the same whatever runs beside it, however its prompt was cut,
 * with any number of threads; at every level of the instruction set, on both real models, and on tiny ones that have what
 * these do not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os/cpu.h"
#include "sumi.h"
#include "test_support.h"

/* The long prompt passes the border of a chunk of attention (512 positions), and Gemma's window. */
enum { N_PROMPT = 45, N_LONG = 530, N_OTHERS = 17, N_DECODE = 3 };

/* Positions that the tiny model with learned ones has; the longest sequences of a short prompt have 5 * 48. */
enum { MAX_TINY_CTX = 256 };

/* Under a sanitizer, where a step takes ten times as long: the best level, one model and three settings. */
static bool is_short(void)
{
    return getenv("SUMI_TEST_SHORT") != NULL;
}

typedef struct setting {
    int32_t n_threads, chunk; /* prompt tokens in one step */
    int32_t n_others;         /* sequences that share every step, with spans of 1 to 5 tokens */
} setting;

static void fill_ids(int32_t *ids, int32_t n, int32_t n_vocab, uint64_t seed)
{
    test_rng rng = test_rng_init(seed);
    for (int32_t i = 0; i < n; i++)
        ids[i] = n_vocab > 40000 ? test_rng_range(&rng, 300, 40000) : test_rng_range(&rng, 0, n_vocab - 1);
}

/* want LAST: logits after the prompt and after each of N_DECODE tokens, [1 + N_DECODE][n_vocab]. HIDDEN_ALL: hidden states
 * of all tokens, [n_prompt + N_DECODE][n_embd]. */
static void run(sumi_model *m, setting s, int32_t n_prompt, sumi_want want, float *out)
{
    sumi_model_info info;
    sumi_context *ctx;
    sumi_context_opts opts = sumi_context_opts_default();
    int32_t seq[N_OTHERS + 1], ids[N_LONG + N_DECODE], others[8];
    sumi_model_get_info(m, &info);
    opts.n_threads = s.n_threads;
    opts.n_ctx = n_prompt == N_LONG ? N_LONG + N_DECODE : MAX_TINY_CTX;
    opts.max_seqs = N_OTHERS + 1;
    opts.max_batch_tokens = N_LONG;
    opts.kv_bytes = (size_t)256 << 20;
    assert_int_equal(sumi_context_create(&ctx, m, &opts, NULL), SUMI_OK);
    /* The sequence under test comes last, so its rows and blocks differ from when it is alone. */
    for (int32_t i = 0; i <= s.n_others; i++) assert_int_equal(sumi_seq_open(ctx, &seq[i], NULL), SUMI_OK);
    fill_ids(ids, n_prompt + N_DECODE, info.n_vocab, 1);
    fill_ids(others, 8, info.n_vocab, 2);
    bool hidden = want == SUMI_WANT_HIDDEN_ALL;
    for (int32_t done = 0; done < n_prompt + N_DECODE;) {
        int32_t n = done < n_prompt ? (n_prompt - done < s.chunk ? n_prompt - done : s.chunk) : 1;
        sumi_span spans[N_OTHERS + 1];
        for (int32_t i = 0; i < s.n_others; i++)
            spans[i] = (sumi_span){ seq[i], 1 + (i + done) % 5, others,
                                    i % 2 ? SUMI_WANT_HIDDEN_LAST : SUMI_WANT_LAST };
        spans[s.n_others] = (sumi_span){ seq[s.n_others], n, ids + done, want };
        assert_int_equal(sumi_step(ctx, spans, s.n_others + 1, NULL), SUMI_OK);
        done += n;
        if (!hidden && done < n_prompt) continue;
        int32_t width = hidden ? info.n_embd : info.n_vocab, n_rows = hidden ? n : 1;
        const float *rows = hidden ? sumi_hidden(ctx, s.n_others / 2) : sumi_logits(ctx, s.n_others - s.n_others / 2);
        for (int32_t i = 0; i < n_rows * width; i++) *out++ = rows[i];
    }
    sumi_context_destroy(ctx);
}

/* Runs the prompt with one thread in one step, and then with each setting. */
static void check_settings(sumi_model *m, const char *name, const char *isa, int32_t n_prompt, sumi_want want,
                           const setting *settings, size_t n_settings)
{
    sumi_model_info info;
    sumi_model_get_info(m, &info);
    const char *what = want == SUMI_WANT_LAST ? "logits" : "hidden states";
    size_t n = want == SUMI_WANT_LAST ? (size_t)(1 + N_DECODE) * (size_t)info.n_vocab
                                      : (size_t)(n_prompt + N_DECODE) * (size_t)info.n_embd;
    float *alone = malloc(n * sizeof *alone), *other = malloc(n * sizeof *other);
    assert_true(alone && other);
    run(m, (setting){ 1, n_prompt, 0 }, n_prompt, want, alone);
    for (size_t i = 0; i < n_settings; i++) {
        run(m, settings[i], n_prompt, want, other);
        if (memcmp(alone, other, n * sizeof *alone) != 0)
            fail_msg("%s at %s: %d tokens, %d threads, chunks of %d, %d others: the %s differ", name, isa, n_prompt,
                     settings[i].n_threads, settings[i].chunk, settings[i].n_others, what);
    }
    print_message("  %s at %s: %s of %d tokens, %zu settings equal\n", name, isa, what, n_prompt, n_settings);
    free(alone);
    free(other);
}

static const setting settings[] = { { 1, 7, 0 }, { 2, N_PROMPT, 0 }, { 2, 7, N_OTHERS }, { 1, 1, 3 }, { 3, 16, 5 } };

static void check_model(const char *name, cpu_level level)
{
    static const setting long_settings[] = { { 2, 490, 0 }, { 3, 200, 2 } };
    sumi_model *m;
    sumi_error err;
    sumi_model_opts opts = sumi_model_opts_default();
    opts.isa = cpu_level_name(level);
    if (sumi_model_open(&m, test_model_path(name), &opts, &err) != SUMI_OK) fail_msg("%s", err.message);
    size_t n_settings = is_short() ? 3 : sizeof settings / sizeof *settings;
    check_settings(m, name, opts.isa, N_PROMPT, SUMI_WANT_LAST, settings, n_settings);
    check_settings(m, name, opts.isa, N_PROMPT, SUMI_WANT_HIDDEN_ALL, settings, n_settings);
    check_settings(m, name, opts.isa, N_LONG, SUMI_WANT_LAST, long_settings, is_short() ? 1 : 2);
    sumi_model_close(m);
}

static void rows_do_not_depend_on_batch_chunks_or_threads(void **state)
{
    (void)state;
    /* ref is the definition of one row and takes minutes here; its rows pass through the same operations. */
    cpu_level first = is_short() ? cpu_best_level() : cpu_best_level() > CPU_REF ? CPU_AVX2 : CPU_REF;
    if (is_short()) print_message("  SUMI_TEST_SHORT: smollm2 at the best level only\n");
    for (int level = first; level <= (int)cpu_best_level(); level++) {
        if (!cpu_has_level((cpu_level)level)) continue;
        check_model("smollm2", (cpu_level)level);
        if (!is_short()) check_model("gemma3-270m", (cpu_level)level);
    }
}

/* What each of these is there for: tests/golden/tiny_families.py. */
static void the_same_holds_for_what_other_families_have(void **state)
{
    static const char *const names[] = {
        "bloom",       "cohere2",  "command-r-plus", "deepseek2", "deepseek2-lite", "deepseek3", "exaone4",
        "falcon-40b",  "gemma2",   "gpt-oss",        "gpt2",      "gptneox",        "granite",   "granitemoe",
        "hunyuan-moe", "llama4",   "mixtral",        "mpt",       "nemotron",       "olmo3",     "phi2",
        "phi3-long",   "qwen2moe", "qwen3moe",       "smollm3",   "stablelm-12b"
    };
    (void)state;
    for (int level = is_short() ? (int)cpu_best_level() : CPU_REF; level <= (int)cpu_best_level(); level++)
        for (size_t i = 0; i < sizeof names / sizeof *names && cpu_has_level((cpu_level)level); i++) {
            char path[96];
            sumi_model *m;
            sumi_error err;
            sumi_model_opts opts = sumi_model_opts_default();
            opts.isa = cpu_level_name((cpu_level)level);
            snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", names[i]);
            if (sumi_model_open(&m, test_source_path(path), &opts, &err) != SUMI_OK) fail_msg("%s", err.message);
            size_t n = sizeof settings / sizeof *settings;
            check_settings(m, names[i], opts.isa, N_PROMPT, SUMI_WANT_LAST, settings, n);
            check_settings(m, names[i], opts.isa, N_PROMPT, SUMI_WANT_HIDDEN_ALL, settings, n);
            sumi_model_close(m);
        }
}

/* Hidden states of a text by an encoder that takes n_others of other texts in the same step: of all tokens, the first, the
 * last. Returns how many floats they are. */
static size_t encode(sumi_model *m, int32_t n_threads, int32_t n_others, const int32_t *ids, int32_t n, float *out)
{
    sumi_context *ctx;
    sumi_model_info info;
    sumi_context_opts opts = sumi_context_opts_default();
    static const sumi_want wants[] = { SUMI_WANT_HIDDEN_ALL, SUMI_WANT_HIDDEN_FIRST, SUMI_WANT_HIDDEN_LAST };
    size_t n_out = 0;
    sumi_model_get_info(m, &info);
    opts.n_threads = n_threads;
    opts.max_seqs = N_OTHERS + 1;
    opts.max_batch_tokens = N_LONG + N_OTHERS * N_OTHERS;
    opts.kv_bytes = (size_t)8 << 20;
    assert_int_equal(sumi_context_create(&ctx, m, &opts, NULL), SUMI_OK);
    for (int w = 0; w < 3; w++) {
        sumi_span spans[N_OTHERS + 1];
        int32_t seq[N_OTHERS + 1];
        for (int32_t i = 0; i <= n_others; i++) assert_int_equal(sumi_seq_open(ctx, &seq[i], NULL), SUMI_OK);
        for (int32_t i = 0; i < n_others; i++)
            spans[i] = (sumi_span){ seq[i], 1 + (i * 5) % N_OTHERS, ids,
                                    i % 2 ? SUMI_WANT_HIDDEN_LAST : SUMI_WANT_NONE };
        spans[n_others] = (sumi_span){ seq[n_others], n, ids, wants[w] };
        assert_int_equal(sumi_step(ctx, spans, n_others + 1, NULL), SUMI_OK);
        for (int32_t row = n_others / 2; row < sumi_n_hidden_rows(ctx); row++, n_out += (size_t)info.n_embd)
            memcpy(out + n_out, sumi_hidden(ctx, row), (size_t)info.n_embd * sizeof *out);
        for (int32_t i = 0; i <= n_others; i++) sumi_seq_close(ctx, seq[i]);
    }
    sumi_context_destroy(ctx);
    return n_out;
}

static void check_encoder(const char *name, const char *isa, int32_t n)
{
    static const struct {
        int32_t n_threads, n_others;
    } others[] = { { 2, 0 }, { 2, N_OTHERS }, { 3, 5 }, { 1, 1 } };
    sumi_model *m;
    sumi_model_info info;
    sumi_model_opts opts = sumi_model_opts_default();
    char path[96];
    int32_t ids[N_LONG];
    opts.isa = isa;
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    assert_int_equal(sumi_model_open(&m, test_source_path(path), &opts, NULL), SUMI_OK);
    sumi_model_get_info(m, &info);
    size_t row = (size_t)info.n_embd * sizeof(float), bytes = (size_t)(n + 2) * row;
    float *alone = malloc(bytes), *beside = malloc(bytes);
    assert_true(alone && beside);
    fill_ids(ids, N_LONG, info.n_vocab, 4);
    assert_int_equal(encode(m, 1, 0, ids, n, alone) * sizeof *alone, bytes);
    assert_memory_equal(alone + n * info.n_embd, alone, row);
    assert_memory_equal(alone + (n + 1) * info.n_embd, alone + (n - 1) * info.n_embd, row);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(encode(m, others[i].n_threads, others[i].n_others, ids, n, beside) * sizeof *beside, bytes);
        if (memcmp(alone, beside, bytes) != 0)
            fail_msg("%s at %s: %d tokens, %d threads, %d others: hidden states differ", name, isa, n,
                     others[i].n_threads, others[i].n_others);
    }
    free(alone);
    free(beside);
    sumi_model_close(m);
}

static void texts_of_encoders_do_not_depend_on_others_or_threads(void **state)
{
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++) {
        const char *isa = cpu_level_name((cpu_level)level);
        if (!cpu_has_level((cpu_level)level)) continue;
        check_encoder("bert", isa, 1);
        check_encoder("bert", isa, N_PROMPT);
        check_encoder("bert", isa, N_LONG);
        check_encoder("nomic-bert", isa, N_PROMPT);
        check_encoder("eurobert", isa, N_PROMPT);
        check_encoder("jina-bert-v2", isa, N_PROMPT);
        check_encoder("modern-bert", isa, N_PROMPT);
    }
}

static void a_failed_step_changes_no_sequence(void **state)
{
    (void)state;
    sumi_model *m;
    sumi_context *ctx;
    sumi_error err;
    int32_t a, b, ids[64];
    fill_ids(ids, 64, 49152, 3);
    assert_int_equal(sumi_model_open(&m, test_model_path("smollm2"), NULL, &err), SUMI_OK);
    sumi_context_opts opts = sumi_context_opts_default();
    opts.n_ctx = 48;
    opts.max_seqs = 2;
    opts.kv_bytes = 4 * 16 * 30 * 2 * 3 * 64 * 2; /* four blocks of 16 tokens, 30 layers, K and V, 3 heads of 64, f16 */
    assert_int_equal(sumi_context_create(&ctx, m, &opts, &err), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &a, &err), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &b, &err), SUMI_OK);
    sumi_span fits = { a, 30, ids, SUMI_WANT_LAST };
    assert_int_equal(sumi_step(ctx, &fits, 1, &err), SUMI_OK);
    sumi_span bad[] = {
        { a, 19, ids, SUMI_WANT_LAST }, /* 49 tokens, n_ctx 48 */
        { b, 48, ids, SUMI_WANT_LAST }, /* two of four blocks are left */
        { 7, 1, ids, SUMI_WANT_LAST },  /* no such sequence */
        { b, 0, ids, SUMI_WANT_LAST },  /* nothing */
    };
    sumi_context_info info;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sumi_span pair[2] = { { b, 2, ids, SUMI_WANT_NONE }, bad[i] };
        bool same = bad[i].seq == b;
        assert_int_not_equal(sumi_step(ctx, same ? &bad[i] : pair, same ? 1 : 2, &err), SUMI_OK);
        assert_true(strlen(err.message) > 10);
        sumi_context_get_info(ctx, &info);
        assert_int_equal(sumi_seq_len(ctx, a), 30);
        assert_int_equal(sumi_seq_len(ctx, b), 0);
        assert_int_equal(info.n_free, 2);
    }
    sumi_span twice[2] = { { b, 1, ids, SUMI_WANT_LAST }, { b, 1, ids, SUMI_WANT_LAST } };
    assert_int_equal(sumi_step(ctx, twice, 2, &err), SUMI_EINVAL);
    sumi_seq_truncate(ctx, a, 16);
    sumi_seq_close(ctx, b);
    sumi_context_get_info(ctx, &info);
    assert_int_equal(info.n_free, 3);
    sumi_context_destroy(ctx);
    sumi_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_step_changes_no_sequence),
        cmocka_unit_test(rows_do_not_depend_on_batch_chunks_or_threads),
        cmocka_unit_test(the_same_holds_for_what_other_families_have),
        cmocka_unit_test(texts_of_encoders_do_not_depend_on_others_or_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
