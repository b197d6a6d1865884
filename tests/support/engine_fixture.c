/* engine_fixture.c - see engine_fixture.h. */
#include "engine_fixture.h"

#include <time.h>

sumi_model *engine_model;
sumi_model_info engine_info;
int32_t engine_prompts[ENGINE_PROMPTS][64], engine_prompt_lens[ENGINE_PROMPTS];
client_answer engine_alone[ENGINE_PROMPTS];

size_t engine_kv_bytes(int32_t n)
{
    const sumi_model_info *m = &engine_info;
    return (size_t)n * 16 * 2 * (size_t)m->n_layers * (size_t)m->n_kv_heads * (size_t)m->head_dim * 2;
}

sumi_engine_opts engine_options(void)
{
    sumi_engine_opts o = sumi_engine_opts_default();
    o.n_threads = 2;
    o.n_ctx = 128;
    o.max_seqs = 8;
    o.token_budget = 48;
    return o;
}

sumi_engine *engine_start(const sumi_engine_opts *o)
{
    sumi_engine *e;
    sumi_error err = { 0 };
    if (sumi_engine_create(&e, engine_model, o, &err) != SUMI_OK) fail_msg("%s", err.message);
    return e;
}

sumi_request engine_request(int32_t i)
{
    sumi_request r = sumi_request_default();
    r.ids = engine_prompts[i];
    r.n_ids = engine_prompt_lens[i];
    r.max_tokens = ENGINE_OUT;
    r.ignore_eos = true;
    r.sampling.seed = (uint64_t)i;
    r.sampling.temperature = i % 3 ? 1.0f : 0;
    r.sampling.repeat_penalty = i % 4 ? 1.0f : 1.2f;
    return r;
}

void engine_assert_all_free(sumi_engine *e)
{
    sumi_engine_stats s;
    for (int i = 0; i < 30000; i++) { /* the last event comes before the step's figures */
        sumi_engine_get_stats(e, &s);
        if (s.n_running == 0 && s.n_waiting == 0) break;
        struct timespec t = { 0, 1000000 };
        nanosleep(&t, NULL);
    }
    assert_int_equal(s.n_running + s.n_waiting + s.n_seqs, 0);
    assert_int_equal(s.kv_used, 0);
    assert_int_equal(s.kv_free + s.kv_cached, s.kv_blocks);
}

/* Each of the requests alone in an engine. */
static void answer_alone(client_answer *answers)
{
    sumi_engine_opts o = engine_options();
    o.prefix_cache = false;
    o.speculation = SUMI_SPECULATION_OFF;
    sumi_engine *e = engine_start(&o);
    for (int i = 0; i < ENGINE_PROMPTS; i++) {
        sumi_request r = engine_request(i);
        client_submit(e, &r, &answers[i]);
        client_wait(&answers[i]);
        assert_int_equal(answers[i].finish, SUMI_FINISH_LENGTH);
        assert_int_equal(answers[i].choices[0].n, ENGINE_OUT);
    }
    engine_assert_all_free(e);
    sumi_engine_destroy(e);
}

int engine_set_up(void **state)
{
    (void)state;
    sumi_error err = { 0 };
    if (sumi_model_open(&engine_model, test_source_path("tests/golden/tiny/llama-linear.gguf"), NULL, &err) != SUMI_OK)
        fail_msg("%s", err.message);
    sumi_model_get_info(engine_model, &engine_info);
    test_rng rng = test_rng_init(3);
    for (int i = 0; i < ENGINE_PROMPTS; i++) {
        engine_prompt_lens[i] = test_rng_range(&rng, 1, 60);
        for (int k = 0; k < 64; k++) engine_prompts[i][k] = test_rng_range(&rng, 3, engine_info.n_vocab - 1);
    }
    answer_alone(engine_alone);
    return 0;
}

int engine_tear_down(void **state)
{
    (void)state;
    sumi_model_close(engine_model);
    return 0;
}
