/* test_library.c - what a program sees of sumi.h beside answers: progress, cancelling, log lines, sizes of structures, and
 * the memory that a model will take. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sumi_model.h"
#include "test_support.h"

#define MODEL "tests/golden/tiny/llama-linear.gguf"

enum { N_PROMPT = 300, N_CTX = 400 };

typedef struct watch {
    uint64_t done, total;
    int32_t n_calls, stop_at; /* 0: never */
} watch;

static bool look(void *user, uint64_t done, uint64_t total)
{
    watch *w = user;
    assert_true(done <= total && done >= w->done && (w->n_calls == 0 || total == w->total));
    w->done = done;
    w->total = total;
    return ++w->n_calls != w->stop_at;
}

static sumi_model *open_model(void)
{
    sumi_model *m;
    sumi_error err;
    if (sumi_model_open(&m, test_source_path(MODEL), NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    return m;
}

static void opening_can_be_watched_and_stopped(void **state)
{
    (void)state;
    sumi_model *m;
    sumi_error err;
    watch w = { 0 };
    sumi_model_opts o = sumi_model_opts_default();
    o.progress = look;
    o.progress_user = &w;
    assert_int_equal(sumi_model_open(&m, test_source_path(MODEL), &o, &err), SUMI_OK);
    sumi_model_close(m);
    assert_true(w.n_calls > 5 && w.total > 0 && w.done > w.total / 2);
    for (int32_t stop = 1, n = w.n_calls; stop <= n; stop++) {
        w = (watch){ .stop_at = stop };
        assert_int_equal(sumi_model_open(&m, test_source_path(MODEL), &o, &err), SUMI_ECANCELLED);
        assert_null(m);
        assert_int_equal(w.n_calls, stop);
    }
    assert_non_null(strstr(err.message, "cancelled"));
}

static void fill(int32_t *ids, const sumi_model *m)
{
    sumi_model_info info;
    sumi_model_get_info(m, &info);
    for (int32_t i = 0; i < N_PROMPT; i++) ids[i] = 3 + i * 7 % (info.n_vocab - 3);
}

static void a_prompt_can_be_watched_and_stopped(void **state)
{
    (void)state;
    static float plain[65536];
    int32_t ids[N_PROMPT], seq;
    sumi_error err;
    sumi_context *ctx;
    sumi_model *m = open_model();
    sumi_model_info info;
    sumi_context_opts o = sumi_context_opts_default();
    sumi_model_get_info(m, &info);
    o.n_ctx = N_CTX;
    fill(ids, m);
    assert_int_equal(sumi_context_create(&ctx, m, &o, &err), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &seq, &err), SUMI_OK);
    assert_int_equal(sumi_prefill(ctx, seq, ids, N_PROMPT, &err), SUMI_OK);
    memcpy(plain, sumi_logits(ctx, 0), (size_t)info.n_vocab * sizeof *plain);
    for (int32_t stop = 0; stop <= 4; stop++) { /* 300 tokens are three steps: before each, and after the last */
        watch w = { .stop_at = stop };
        sumi_seq_truncate(ctx, seq, 0);
        sumi_status st = sumi_prefill_watched(ctx, seq, ids, N_PROMPT, look, &w, &err);
        assert_int_equal(st, stop ? SUMI_ECANCELLED : SUMI_OK);
        assert_int_equal(w.n_calls, stop ? stop : 4);
        assert_int_equal(sumi_seq_len(ctx, seq), stop ? 0 : N_PROMPT);
        assert_true(w.total == N_PROMPT && (stop || w.done == N_PROMPT));
        if (!stop) assert_memory_equal(plain, sumi_logits(ctx, 0), (size_t)info.n_vocab * sizeof *plain);
    }
    sumi_context_destroy(ctx);
    sumi_model_close(m);
}

static void generating_can_be_stopped_in_its_prompt(void **state)
{
    (void)state;
    int32_t ids[N_PROMPT], seq;
    sumi_context *ctx;
    sumi_model *m = open_model();
    sumi_generate_opts g = sumi_generate_opts_default();
    sumi_context_opts o = sumi_context_opts_default();
    sumi_generation result;
    watch w = { .stop_at = 2 };
    o.n_ctx = N_CTX;
    fill(ids, m);
    assert_int_equal(sumi_context_create(&ctx, m, &o, NULL), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    g.on_prompt = look;
    g.user = &w;
    g.max_tokens = 3;
    g.ignore_eos = true;
    assert_int_equal(sumi_generate(ctx, seq, ids, N_PROMPT, &g, &result, NULL), SUMI_OK);
    assert_true(result.finish == SUMI_FINISH_CANCELLED && result.n_generated == 0 && sumi_seq_len(ctx, seq) == 0);
    w.stop_at = 0;
    w.done = 0;
    assert_int_equal(sumi_generate(ctx, seq, ids, N_PROMPT, &g, &result, NULL), SUMI_OK);
    assert_true(result.finish == SUMI_FINISH_LENGTH && result.n_generated == 3 && w.done == N_PROMPT);
    sumi_context_destroy(ctx);
    sumi_model_close(m);
}

static void note(void *user, sumi_log_level level, const char *message)
{
    char *text = user;
    if (level != SUMI_LOG_INFO) return;
    snprintf(text + strlen(text), 1000 - strlen(text), "%s\n", message);
}

static void what_was_opened_is_told_at_level_info(void **state)
{
    (void)state;
    char text[1000] = "";
    sumi_model *m;
    sumi_context *ctx;
    sumi_model_opts o = sumi_model_opts_default();
    o.log = note;
    o.log_user = text;
    o.isa = "ref";
    assert_int_equal(sumi_model_open(&m, test_source_path(MODEL), &o, NULL), SUMI_OK);
    assert_non_null(strstr(text, "llama-linear.gguf: llama, "));
    assert_non_null(strstr(text, "kernels ref"));
    assert_int_equal(sumi_context_create(&ctx, m, NULL, NULL), SUMI_OK);
    assert_non_null(strstr(text, "MiB for keys and values"));
    sumi_context_destroy(ctx);
    sumi_model_close(m);
}

/* Each function that takes options, with those of an older and of a newer program. */
static void options_of_other_versions_are_taken_or_refused(void **state)
{
    (void)state;
    uint64_t id;
    int32_t seq, ids[4] = { 3, 4, 5, 6 };
    sumi_model *m;
    sumi_context *ctx;
    sumi_engine *e;
    sumi_estimate memory;
    const char *path = test_source_path(MODEL);
    sumi_model_opts mo = sumi_model_opts_default();
    sumi_context_opts co = sumi_context_opts_default();
    sumi_generate_opts go = sumi_generate_opts_default();
    sumi_engine_opts eo = sumi_engine_opts_default();
    sumi_convert_opts vo = sumi_convert_opts_default();
    sumi_request r = sumi_request_default();
    mo.size++, co.size++, go.size++, eo.size++, vo.size++, r.size++;
    assert_int_equal(sumi_model_open(&m, path, &mo, NULL), SUMI_EINVAL);
    assert_int_equal(sumi_model_estimate(path, &mo, NULL, &memory, NULL), SUMI_EINVAL);
    assert_int_equal(sumi_model_estimate(path, NULL, &co, &memory, NULL), SUMI_EINVAL);
    assert_int_equal(sumi_convert(path, "/no/such/folder/x.gguf", &vo, NULL), SUMI_EINVAL);
    mo.size = offsetof(sumi_model_opts, progress);
    co.size = offsetof(sumi_context_opts, kv_bytes);
    mo.progress = look; /* behind the end: not looked at */
    co.kv_bytes = 1;
    assert_int_equal(sumi_model_open(&m, path, &mo, NULL), SUMI_OK);
    assert_int_equal(sumi_context_create(&ctx, m, &co, NULL), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    assert_int_equal(sumi_generate(ctx, seq, ids, 4, &go, NULL, NULL), SUMI_EINVAL);
    co.size = sizeof co + 1;
    sumi_context *none;
    assert_int_equal(sumi_context_create(&none, m, &co, NULL), SUMI_EINVAL);
    assert_int_equal(sumi_engine_create(&e, m, &eo, NULL), SUMI_EINVAL);
    eo.size = sizeof eo;
    eo.n_ctx = 64;
    assert_int_equal(sumi_engine_create(&e, m, &eo, NULL), SUMI_OK);
    r.ids = ids;
    r.n_ids = 4;
    assert_int_equal(sumi_engine_submit(e, &r, &id, NULL), SUMI_EINVAL);
    sumi_engine_destroy(e);
    sumi_context_destroy(ctx);
    sumi_model_close(m);
}

/* Of every tiny model: as much as is really there. */
static void the_estimate_is_what_a_model_and_its_context_take(void **state)
{
    (void)state;
    glob_t files;
    int n = 0;
    char pattern[512];
    snprintf(pattern, sizeof pattern, "%s", test_source_path("tests/golden/tiny/*.gguf"));
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        sumi_estimate e;
        sumi_model *m;
        sumi_context *ctx;
        sumi_context_info info;
        sumi_context_opts o = sumi_context_opts_default();
        const char *path = files.gl_pathv[i];
        o.n_ctx = 48;
        o.n_threads = 1;
        if (sumi_model_open(&m, path, NULL, NULL) != SUMI_OK) continue;
        assert_int_equal(sumi_model_estimate(path, NULL, &o, &e, NULL), SUMI_OK);
        assert_int_equal(sumi_context_create(&ctx, m, &o, NULL), SUMI_OK);
        sumi_context_get_info(ctx, &info);
        if (e.weight_bytes != m->weights->copied_bytes || e.unpacked_bytes != m->weights->unpacked_bytes ||
            e.kv_bytes != info.kv_bytes || e.n_ctx != 48)
            fail_msg("%s: %llu, %llu and %llu bytes, not %llu, %llu and %zu", path, (unsigned long long)e.weight_bytes,
                     (unsigned long long)e.unpacked_bytes, (unsigned long long)e.kv_bytes,
                     (unsigned long long)m->weights->copied_bytes, (unsigned long long)m->weights->unpacked_bytes,
                     info.kv_bytes);
        assert_true(e.weight_bytes + e.unpacked_bytes > 0 && e.scratch_bytes > 0);
        sumi_context_destroy(ctx);
        sumi_model_close(m);
        n++;
    }
    globfree(&files);
    assert_true(n > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_can_be_watched_and_stopped),
        cmocka_unit_test(a_prompt_can_be_watched_and_stopped),
        cmocka_unit_test(generating_can_be_stopped_in_its_prompt),
        cmocka_unit_test(what_was_opened_is_told_at_level_info),
        cmocka_unit_test(options_of_other_versions_are_taken_or_refused),
        cmocka_unit_test(the_estimate_is_what_a_model_and_its_context_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
