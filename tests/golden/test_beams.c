/* test_beams.c - beam search against transformers: the search alone, over logits that are computed anew for every
 * hypothesis, and through the engine, which forks sequences and shares their blocks. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "engine/requests/beam.h"
#include "engine_client.h"

enum { MAX_LEN = 128 };

static sumi_model *model;
static json_t *golden;

static int set_up(void **state)
{
    (void)state;
    sumi_error err = { 0 };
    sumi_model_opts o = sumi_model_opts_default();
    o.activations = SUMI_ACTIVATIONS_F32;
    if (sumi_model_open(&model, test_source_path("tests/golden/tiny/qwen2-tied.gguf"), &o, &err) != SUMI_OK)
        fail_msg("%s", err.message);
    golden = json_load_file(test_source_path("tests/golden/beams/qwen2-tied.json"), 0, NULL);
    assert_non_null(golden);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(golden);
    sumi_model_close(model);
    return 0;
}

static int32_t number(const json_t *c, const char *key)
{
    return (int32_t)json_integer_value(json_object_get(c, key));
}

static int32_t ids_of(const json_t *list, int32_t *ids)
{
    for (size_t i = 0; i < json_array_size(list); i++) ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return (int32_t)json_array_size(list);
}

/* Fails unless the tokens and the score are those of beam i of the case. */
static void check_beam(const json_t *c, int32_t i, const int32_t *ids, int32_t n, double score)
{
    int32_t want[MAX_LEN];
    const json_t *beam = json_array_get(json_object_get(c, "beams"), (size_t)i);
    assert_int_equal(n, ids_of(json_object_get(beam, "ids"), want));
    assert_memory_equal(ids, want, (size_t)n * sizeof *ids);
    assert_true(fabs(score - json_number_value(json_object_get(beam, "score"))) < 1e-4);
}

/* The logits after prompt and hypothesis, in a sequence of its own. */
static void compute_row(sumi_context *ctx, const int32_t *prompt, int32_t n_prompt, const hypothesis *h, float *row,
                        int32_t n_vocab)
{
    int32_t ids[2 * MAX_LEN], n = n_prompt, seq;
    for (int32_t i = 0; i < n_prompt; i++) ids[i] = prompt[i];
    for (int32_t i = 0; i < h->n; i++) ids[n++] = h->tokens[i].id;
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    assert_int_equal(sumi_prefill(ctx, seq, ids, n, NULL), SUMI_OK);
    for (int32_t i = 0; i < n_vocab; i++) row[i] = sumi_logits(ctx, 0)[i];
    sumi_seq_close(ctx, seq);
}

/* Gives the survivors places 0 .. n-1 by copying all hypotheses. */
static void replace_live(beam_search *b, const beam_survivor *survivors, int32_t n)
{
    hypothesis old[SCHED_MAX_SEQS];
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) {
        old[i] = b->live[i];
        b->live[i] = (hypothesis){ 0 };
    }
    for (int32_t k = 0; k < n; k++) {
        const hypothesis *p = &old[survivors[k].parent];
        for (int32_t i = 0; i < p->n; i++) assert_true(beam_extend(b, k, &(beam_survivor){ 0, p->tokens[i], 0 }));
        assert_true(beam_extend(b, k, &survivors[k]));
    }
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) free(old[i].tokens);
}

static void search_alone(const json_t *c, sumi_context *ctx, int32_t n_vocab)
{
    int32_t prompt[MAX_LEN], ends[8], n_prompt = ids_of(json_object_get(c, "prompt"), prompt), n_survivors = 1;
    beam_survivor survivors[SCHED_MAX_SEQS];
    bool over = false;
    beam_search b = { .width = number(c, "beam_width"),
                      .length_penalty = json_number_value(json_object_get(c, "length_penalty")),
                      .early_stopping = json_is_true(json_object_get(c, "early_stopping")),
                      .min_tokens = number(c, "min_tokens"),
                      .max_tokens = number(c, "max_tokens"),
                      .end_ids = ends,
                      .n_end_ids = ids_of(json_object_get(c, "end_ids"), ends),
                      .n_vocab = n_vocab };
    assert_int_equal(beam_init(&b, NULL), SUMI_OK);
    float *rows = calloc((size_t)SCHED_MAX_SEQS * (size_t)n_vocab, sizeof *rows);
    for (;;) {
        const float *by_seq[SCHED_MAX_SEQS] = { NULL };
        for (int32_t i = 0; i < n_survivors; i++) {
            float *row = rows + (size_t)i * (size_t)n_vocab;
            compute_row(ctx, prompt, n_prompt, &b.live[i], row, n_vocab);
            by_seq[i] = row;
        }
        assert_int_equal(beam_step(&b, by_seq, survivors, &n_survivors, &over, NULL), SUMI_OK);
        if (over) break;
        replace_live(&b, survivors, n_survivors);
    }
    for (int32_t i = 0; i < number(c, "n"); i++) {
        int32_t ids[MAX_LEN];
        for (int32_t k = 0; k < b.done[i].n; k++) ids[k] = b.done[i].tokens[k].id;
        check_beam(c, i, ids, b.done[i].n, b.done[i].score);
    }
    free(rows);
    beam_deinit(&b);
}

static void the_search_finds_what_transformers_finds(void **state)
{
    (void)state;
    sumi_context *ctx;
    sumi_model_info info;
    sumi_model_get_info(model, &info);
    assert_int_equal(sumi_context_create(&ctx, model, NULL, NULL), SUMI_OK);
    const json_t *cases = json_object_get(golden, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) search_alone(json_array_get(cases, i), ctx, info.n_vocab);
    sumi_context_destroy(ctx);
}

/* All searches that end with the model's own end token, three times at once. */
static void search_in_engine(const sumi_engine_opts *o, sumi_engine_stats *stats)
{
    sumi_engine *e;
    sumi_error err = { 0 };
    const json_t *cases = json_object_get(golden, "cases");
    static client_answer answers[16];
    int32_t n = 0, prompt[MAX_LEN];
    if (sumi_engine_create(&e, model, o, &err) != SUMI_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < 3 * json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i % json_array_size(cases));
        if (json_integer_value(json_array_get(json_object_get(c, "end_ids"), 0)) != 256) continue;
        sumi_request r = sumi_request_default();
        r.ids = prompt;
        r.n_ids = ids_of(json_object_get(c, "prompt"), prompt);
        r.beam_width = number(c, "beam_width");
        r.n = number(c, "n");
        r.length_penalty = (float)json_number_value(json_object_get(c, "length_penalty"));
        r.early_stopping = json_is_true(json_object_get(c, "early_stopping"));
        r.max_tokens = number(c, "max_tokens");
        r.priority = (int32_t)i;
        client_submit(e, &r, &answers[n++]);
    }
    n = 0;
    for (size_t i = 0; i < 3 * json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i % json_array_size(cases));
        if (json_integer_value(json_array_get(json_object_get(c, "end_ids"), 0)) != 256) continue;
        client_wait(&answers[n]);
        for (int32_t k = 0; k < number(c, "n"); k++)
            check_beam(c, k, answers[n].choices[k].ids, answers[n].choices[k].n, (double)answers[n].choices[k].score);
        n++;
    }
    assert_int_equal(n, 9);
    sumi_engine_stop(e, -1);
    sumi_engine_get_stats(e, stats);
    assert_int_equal(stats->kv_used, 0);
    sumi_engine_destroy(e);
}

static void so_does_the_engine_also_when_beams_are_preempted(void **state)
{
    (void)state;
    sumi_engine_stats stats;
    sumi_engine_opts o = sumi_engine_opts_default();
    o.n_ctx = 128;
    o.n_threads = 2;
    o.max_seqs = 96; /* none has to make way for another but for its blocks */
    search_in_engine(&o, &stats);
    assert_int_equal(stats.n_recomputed, 0);
    o.kv_bytes = stats.kv_bytes / (size_t)stats.kv_blocks * 60; /* room for the widest search alone */
    search_in_engine(&o, &stats);
    assert_true(stats.n_recomputed > 0);
    o.swap_bytes = stats.kv_bytes;
    search_in_engine(&o, &stats);
    assert_true(stats.n_swapped_out + stats.n_recomputed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds_what_transformers_finds),
        cmocka_unit_test(so_does_the_engine_also_when_beams_are_preempted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
