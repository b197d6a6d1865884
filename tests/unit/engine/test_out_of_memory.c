/* test_out_of_memory.c - every allocation of the library fails in turn: what was asked for is then done, with the same
 * result as always, or it fails with one line. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/os/pool.h"
#include "engine_client.h"
#include "fail_alloc.h"
#include "forward.h"
#include "hf_folder.h"
#include "test_support.h"

#define GGUF "tests/golden/tiny/llama-linear.gguf"

enum { N_OUT = 6, MAX_BYTES = 65536 };

/* The result of a piece of work, as bytes. */
typedef struct outcome {
    size_t n;
    char bytes[MAX_BYTES];
} outcome;

typedef sumi_status (*work)(const char *path, outcome *out, sumi_error *err);

static void put(outcome *out, const void *data, size_t n)
{
    assert_true(out->n + n <= MAX_BYTES);
    memcpy(out->bytes + out->n, data, n);
    out->n += n;
}

/* ---- Pieces of work ---- */

static sumi_status open_path(sumi_model **m, const char *path, bool vocab_only, sumi_error *err)
{
    sumi_model_opts o = sumi_model_opts_default();
    o.vocab_only = vocab_only;
    o.isa = "ref";
    return sumi_model_open(m, path, &o, err);
}

static sumi_status tokenise(const sumi_model *m, outcome *out, sumi_error *err)
{
    static const char text[] = "Hello <|im_start|>w\xc3\xb6rld,  12345 times!\n";
    int32_t *ids, n_ids;
    sumi_status st = sumi_tokenize(m, text, sizeof text - 1, SUMI_TOKENIZE_SPECIAL | SUMI_TOKENIZE_BOS_EOS, &ids,
                                   &n_ids, err);
    if (st != SUMI_OK) return st;
    put(out, ids, (size_t)n_ids * sizeof *ids);
    char *back;
    size_t n;
    if ((st = sumi_detokenize(m, ids, n_ids, true, &back, &n, err)) == SUMI_OK) {
        put(out, back, n);
        sumi_free(back);
    }
    sumi_free(ids);
    return st;
}

static sumi_status render(const sumi_model *m, outcome *out, sumi_error *err)
{
    const sumi_message messages[] = { { "system", "Be brief." }, { "user", "Why?" } };
    char *text;
    size_t n;
    sumi_model_info info;
    sumi_model_get_info(m, &info);
    put(out, &info.has_chat_template, 1);
    if (!info.has_chat_template) return SUMI_OK;
    sumi_status st = sumi_chat_format(m, messages, 2, true, &text, &n, err);
    if (st != SUMI_OK) return st;
    put(out, text, n);
    sumi_free(text);
    return SUMI_OK;
}

static sumi_status text_work(const char *path, outcome *out, sumi_error *err)
{
    sumi_model *m;
    sumi_status st = open_path(&m, path, true, err);
    if (st == SUMI_OK) st = tokenise(m, out, err);
    if (st == SUMI_OK) st = render(m, out, err);
    sumi_model_close(m);
    return st;
}

static bool keep(void *user, const sumi_piece *piece)
{
    for (int32_t i = 0; i < piece->n_choices; i++) put(user, &piece->choices[i].id, sizeof(int32_t));
    put(user, piece->text, piece->n_bytes);
    return true;
}

static sumi_status answer_work(const char *path, outcome *out, sumi_error *err)
{
    sumi_model *m;
    sumi_context *ctx = NULL;
    const int32_t ids[] = { 5, 6, 7, 8, 9 };
    int32_t seq;
    sumi_context_opts c = sumi_context_opts_default();
    sumi_generate_opts g = sumi_generate_opts_default();
    sumi_generation result;
    const char *stop[] = { "never comes", "nor this" };
    const sumi_logit_bias bias = { 7, 0.5f };
    c.n_threads = 2;
    c.n_ctx = 64;
    g.max_tokens = N_OUT;
    g.ignore_eos = true;
    g.n_logprobs = 2;
    g.stop = stop;
    g.n_stop = 2;
    g.sampling.bias = &bias;
    g.sampling.n_bias = 1;
    g.sampling.repeat_penalty = 1.1f;
    g.on_piece = keep;
    g.user = out;
    sumi_status st = open_path(&m, path, false, err);
    if (st == SUMI_OK) st = sumi_context_create(&ctx, m, &c, err);
    if (st == SUMI_OK) st = sumi_seq_open(ctx, &seq, err);
    if (st == SUMI_OK) st = sumi_generate(ctx, seq, ids, 5, &g, &result, err);
    if (st == SUMI_OK) put(out, &result.finish, sizeof result.finish);
    sumi_context_destroy(ctx);
    sumi_model_close(m);
    return st;
}

static sumi_status estimate_work(const char *path, outcome *out, sumi_error *err)
{
    sumi_estimate e;
    sumi_status st = sumi_model_estimate(path, NULL, NULL, &e, err);
    if (st == SUMI_OK) put(out, &e, sizeof e);
    return st;
}

static pool *shared_pool;
static sumi_model *shared_model; /* opened once, for what is not about opening */

static bool polls; /* the client of engine_work() reads events, instead of having them sent */

/* Reads events until the last one, which always comes. */
static sumi_status poll_answer(sumi_engine *e, sumi_request *r, client_answer *a, sumi_error *err)
{
    uint64_t id;
    sumi_status st = sumi_engine_submit(e, r, &id, err);
    while (st == SUMI_OK && a->n_ends == 0) {
        sumi_event *event = sumi_engine_poll(e, 60000);
        if (!event) fail_msg("a request without an end");
        client_take(a, event);
        sumi_event_free(event);
    }
    return st;
}

static sumi_status send_answer(sumi_engine *e, sumi_request *r, client_answer *a, sumi_error *err)
{
    sumi_status st = client_try(e, r, a, err);
    if (st == SUMI_OK) client_wait(a);
    return st;
}

/* One request with two choices. An event may tell of the failure instead of a status. */
static sumi_status engine_work(const char *path, outcome *out, sumi_error *err)
{
    static client_answer a;
    (void)path;
    sumi_engine *e;
    sumi_engine_opts o = sumi_engine_opts_default();
    const int32_t ids[] = { 5, 6, 7, 8, 9 };
    sumi_request r = sumi_request_default();
    o.n_threads = 1;
    o.n_ctx = 64;
    o.max_seqs = 4;
    o.max_queue = 4;
    o.kv_bytes = 1 << 20;
    r.ids = ids;
    r.n_ids = 5;
    r.n = 2;
    r.max_tokens = N_OUT;
    r.ignore_eos = true;
    r.n_logprobs = 2;
    r.n_prompt_logprobs = 1;
    r.client = "somebody";
    sumi_status st = sumi_engine_create(&e, shared_model, &o, err);
    if (st != SUMI_OK) return st;
    memset(&a, 0, sizeof a);
    if ((st = polls ? poll_answer(e, &r, &a, err) : send_answer(e, &r, &a, err)) == SUMI_OK) {
        st = a.error.status;
        *err = a.error;
        for (int i = 0; i < 2 && st == SUMI_OK; i++) {
            put(out, a.choices[i].ids, (size_t)a.choices[i].n * sizeof(int32_t));
            put(out, a.choices[i].text, strlen(a.choices[i].text));
        }
    }
    sumi_engine_destroy(e);
    return st;
}

/* ---- Every failure of it ---- */

static void assert_one_line(const sumi_error *err, sumi_status st)
{
    assert_int_equal(err->status, st);
    assert_true(*err->message && !strchr(err->message, '\n'));
}

static void fail_each(const char *what, const char *path, work f)
{
    static outcome right, got;
    sumi_error err = { 0 };
    int64_t n_tried = 0, n_failed = 0;
    right.n = 0;
    fail_alloc_arm(0, false);
    if (f(path, &right, &err) != SUMI_OK) fail_msg("%s: %s", what, err.message);
    int64_t n_calls = fail_alloc_count();
    assert_true(n_calls > 0);
    const int64_t step = n_calls > 1000 && test_is_short() ? 7 : 1;
    for (int64_t n = 1; n <= n_calls; n += step, n_tried++) {
        got.n = 0;
        memset(&err, 0, sizeof err);
        fail_alloc_arm(n, false);
        sumi_status st = f(path, &got, &err);
        fail_alloc_arm(0, false);
        if (st != SUMI_OK) {
            if (st != SUMI_ENOMEM && st != SUMI_EIO)
                fail_msg("%s, allocation %lld: %s", what, (long long)n, err.message);
            assert_one_line(&err, st);
            n_failed++;
        } else if (got.n != right.n || memcmp(got.bytes, right.bytes, got.n))
            fail_msg("%s, allocation %lld: another result, and no error", what, (long long)n);
    }
    print_message("  %s: %lld of %lld allocations, %lld failures told, %lld borne\n", what, (long long)n_tried,
                  (long long)n_calls, (long long)n_failed, (long long)(n_tried - n_failed));
    assert_true(n_failed > n_tried / 2);
}

static void text_is_right_or_refused(void **state)
{
    (void)state;
    fail_each("text of a GGUF file", test_source_path(GGUF), text_work);
}

static void text_of_a_folder_is_right_or_refused(void **state)
{
    (void)state;
    static const char template[] =
        "{%- for m in messages %}{{ '<|' + m.role + '|>' + m.content | trim }}\n{% endfor -%}"
        "{% macro end(x) %}{{ x ~ 1 }}{% endmacro %}{% if add_generation_prompt %}{{ end('a') }}{% endif %}";
    test_folder f = test_hf_folder("qwen3");
    test_folder_write(&f, "chat_template.jinja", template, sizeof template - 1);
    fail_each("text of a folder", f.path, text_work);
    test_folder_remove(&f);
}

static void an_answer_is_right_or_refused(void **state)
{
    (void)state;
    fail_each("an answer", test_source_path(GGUF), answer_work);
    fail_each("an answer of latents and experts", test_source_path("tests/golden/tiny/deepseek2.gguf"), answer_work);
}

static void an_estimate_is_right_or_refused(void **state)
{
    (void)state;
    fail_each("an estimate", test_source_path(GGUF), estimate_work);
}

static void a_request_is_answered_right_or_ends_with_an_error(void **state)
{
    (void)state;
    sumi_error err;
    if (open_path(&shared_model, test_source_path(GGUF), false, &err) != SUMI_OK) fail_msg("%s", err.message);
    fail_each("a request", NULL, engine_work);
    polls = true;
    fail_each("a request whose events are polled", NULL, engine_work);
    sumi_model_close(shared_model);
}

/* ---- The guard of the forward pass ---- */

static void allocate(void)
{
    void *volatile p = malloc(1);
    free(p);
}

static _Atomic bool has_worker;

/* The caller's thread leaves an item to the worker. */
static void allocate_in_a_worker(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)arg, (void)begin, (void)end;
    if (thread > 0) {
        allocate();
        has_worker = true;
    }
    while (!has_worker) sched_yield();
}

static void allocate_in_the_pool(void)
{
    pool_for(shared_pool, 2, 1, allocate_in_a_worker, NULL);
}

/* Whether f aborts the program if allocations are forbidden. */
static bool is_noticed(void (*f)(void), bool in_pool)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = { 0, 0 };
        sumi_error err;
        setrlimit(RLIMIT_CORE, &no_core);
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        if (in_pool && pool_create(&shared_pool, 2, &err) != SUMI_OK) _exit(1);
        mem_forbid();
        f();
        mem_permit();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void an_allocation_in_a_forward_pass_aborts(void **state)
{
    (void)state;
#ifdef NDEBUG
    print_message("  skipped: only builds with assertions have the guard\n");
    skip();
#endif
    assert_true(is_noticed(allocate, false));
}

static void an_allocation_of_a_worker_in_a_forward_pass_aborts(void **state)
{
    (void)state;
#ifdef NDEBUG
    print_message("  skipped: only builds with assertions have the guard\n");
    skip();
#elif defined(__SANITIZE_THREAD__)
    print_message("  skipped: thread sanitizer starts no threads in a forked program\n");
    skip();
#endif
    assert_true(is_noticed(allocate_in_the_pool, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_in_a_forward_pass_aborts),
        cmocka_unit_test(an_allocation_of_a_worker_in_a_forward_pass_aborts),
        cmocka_unit_test(text_is_right_or_refused),
        cmocka_unit_test(text_of_a_folder_is_right_or_refused),
        cmocka_unit_test(an_answer_is_right_or_refused),
        cmocka_unit_test(an_estimate_is_right_or_refused),
        cmocka_unit_test(a_request_is_answered_right_or_ends_with_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
