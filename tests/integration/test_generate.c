/* test_generate.c - generation on a real model: the loop against steps made by hand, and what must not change an answer:
 * how much of the prompt the sequence held already. */
#include <string.h>

#include "sumi.h"
#include "test_support.h"

enum { N_TOKENS = 24 };
static const char prompt[] = "<|im_start|>user\nList some fruits: apple, pear, apple, plum, apple,<|im_end|>\n"
                             "<|im_start|>assistant\n";

typedef struct fixture {
    sumi_model *model;
    sumi_context *ctx;
    int32_t *ids, n_ids;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    sumi_error err = { 0 };
    sumi_context_opts opts = sumi_context_opts_default();
    opts.n_ctx = 256;
    opts.n_threads = 2;
    if (sumi_model_open(&f.model, test_model_path("smollm2"), NULL, &err) != SUMI_OK ||
        sumi_context_create(&f.ctx, f.model, &opts, &err) != SUMI_OK ||
        sumi_tokenize(f.model, prompt, strlen(prompt), SUMI_TOKENIZE_SPECIAL, &f.ids, &f.n_ids, &err) != SUMI_OK)
        fail_msg("%s", err.message);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    sumi_free(f->ids);
    sumi_context_destroy(f->ctx);
    sumi_model_close(f->model);
    return 0;
}

typedef struct heard {
    int32_t ids[N_TOKENS + 1], n_ids;
    char text[1024];
} heard;

static bool listen(void *user, const sumi_piece *piece)
{
    heard *h = user;
    for (int32_t i = 0; i < piece->n_choices; i++) h->ids[h->n_ids++] = piece->choices[i].id;
    strncat(h->text, piece->text, piece->n_bytes);
    return true;
}

static sumi_generate_opts options(heard *h)
{
    sumi_generate_opts o = sumi_generate_opts_default();
    o.max_tokens = N_TOKENS;
    o.ignore_eos = true;
    o.on_piece = listen;
    o.user = h;
    *h = (heard){ 0 };
    return o;
}

/* Generates after the prompt, of which the sequence holds the first n_held tokens before. */
static heard generate(const fixture *f, sumi_generate_opts *o, int32_t n_held)
{
    heard *h = o->user;
    int32_t seq;
    sumi_error err;
    if (sumi_seq_open(f->ctx, &seq, &err) != SUMI_OK ||
        (n_held > 0 && sumi_prefill(f->ctx, seq, f->ids, n_held, &err) != SUMI_OK))
        fail_msg("%s", err.message);
    o->seen = f->ids;
    o->n_seen = n_held;
    if (sumi_generate(f->ctx, seq, f->ids + n_held, f->n_ids - n_held, o, NULL, &err) != SUMI_OK)
        fail_msg("%s", err.message);
    sumi_seq_close(f->ctx, seq);
    return *h;
}

static void the_loop_chooses_what_steps_made_by_hand_choose(void **state)
{
    const fixture *f = *state;
    heard h;
    sumi_generate_opts o = options(&h);
    o.sampling.temperature = 0;
    generate(f, &o, 0);
    assert_int_equal(h.n_ids, N_TOKENS);

    sumi_model_info info;
    sumi_error err;
    int32_t seq;
    sumi_model_get_info(f->model, &info);
    assert_int_equal(sumi_seq_open(f->ctx, &seq, &err), SUMI_OK);
    assert_int_equal(sumi_prefill(f->ctx, seq, f->ids, f->n_ids, &err), SUMI_OK);
    for (int i = 0; i < N_TOKENS; i++) {
        const float *logits = sumi_logits(f->ctx, 0);
        int32_t best = 0;
        for (int32_t id = 1; id < info.n_vocab; id++)
            if (logits[id] > logits[best]) best = id;
        assert_int_equal(h.ids[i], best);
        sumi_span span = { .seq = seq, .n_ids = 1, .ids = &best, .want = SUMI_WANT_LAST };
        assert_int_equal(sumi_step(f->ctx, &span, 1, &err), SUMI_OK);
    }
    sumi_seq_close(f->ctx, seq);

    char *text;
    size_t n;
    assert_int_equal(sumi_detokenize(f->model, h.ids, h.n_ids, false, &text, &n, &err), SUMI_OK);
    assert_string_equal(h.text, text); /* the pieces are the text of the ids */
    sumi_free(text);
}

static void an_answer_does_not_depend_on_what_was_held_before(void **state)
{
    const fixture *f = *state;
    heard whole, reused;
    for (int32_t n_held = 1; n_held < f->n_ids; n_held += 7) {
        sumi_generate_opts a = options(&whole), b = options(&reused);
        a.sampling.temperature = b.sampling.temperature = 1.2f;
        a.sampling.seed = b.sampling.seed = (uint64_t)n_held;
        a.sampling.repeat_penalty = b.sampling.repeat_penalty = 1.3f;
        generate(f, &a, 0);
        generate(f, &b, n_held);
        assert_memory_equal(whole.ids, reused.ids, sizeof whole.ids);
        assert_string_equal(whole.text, reused.text);
    }
}

static void a_stop_string_gives_a_prefix_of_the_whole_text(void **state)
{
    const fixture *f = *state;
    heard whole, stopped;
    sumi_generate_opts o = options(&whole);
    o.sampling.temperature = 0;
    generate(f, &o, 0);
    assert_true(strlen(whole.text) > 12);
    char stop[8] = { 0 };
    memcpy(stop, whole.text + 6, 5);
    sumi_generate_opts p = options(&stopped);
    p.sampling.temperature = 0;
    p.stop = (const char *[]){ stop };
    p.n_stop = 1;
    generate(f, &p, 0);
    *strstr(whole.text, stop) = '\0';
    assert_string_equal(stopped.text, whole.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_chooses_what_steps_made_by_hand_choose),
        cmocka_unit_test(an_answer_does_not_depend_on_what_was_held_before),
        cmocka_unit_test(a_stop_string_gives_a_prefix_of_the_whole_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
