/* test_recommended.c - the sampling that a file recommends. Keys: the GGUF specification as the Python package gguf writes
 * it. */
#include "engine/recommended.h"

#include "hf/model_source_open.h"
#include "hf_folder.h"
#include "sample/members.h"
#include "tiny_vocab.h"

static sumi_model *open_with(void (*add)(gguf_builder *b))
{
    tiny_vocab v;
    tiny_init(&v, "llama");
    tiny_bytes(&v);
    add(&v.file);
    return tiny_model(&v);
}

static void add_all(gguf_builder *b)
{
    gb_f32(b, "general.sampling.temp", 0.6f);
    gb_i32(b, "general.sampling.top_k", 20);
    gb_f32(b, "general.sampling.top_p", 0.9f);
    gb_f32(b, "general.sampling.min_p", 0);
    gb_f32(b, "general.sampling.penalty_repeat", 1.05f);
    gb_i32(b, "general.sampling.penalty_last_n", -1);
}

static void a_file_recommends_what_its_keys_say(void **state)
{
    (void)state;
    sumi_sampling s = sumi_sampling_default();
    sumi_model *m = open_with(add_all);
    assert_int_equal(sumi_model_sampling(m, &s), SUMI_SAMPLING_TEMPERATURE | SUMI_SAMPLING_TOP_K | SUMI_SAMPLING_TOP_P |
                                                     SUMI_SAMPLING_MIN_P | SUMI_SAMPLING_REPEAT_PENALTY |
                                                     SUMI_SAMPLING_PENALTY_LAST_N);
    assert_true(s.temperature == 0.6f && s.top_k == 20 && s.top_p == 0.9f && s.min_p == 0);
    assert_true(s.repeat_penalty == 1.05f && s.penalty_last_n == -1 && s.typical_p == 1);
    sumi_model_close(m);
}

static void add_nonsense(gguf_builder *b)
{
    gb_f32(b, "general.sampling.temp", -1);
    gb_i32(b, "general.sampling.top_k", -5);
    gb_f32(b, "general.sampling.top_p", 7);
    gb_str(b, "general.sampling.min_p", "much");
}

static void values_that_make_no_sense_are_none(void **state)
{
    (void)state;
    sumi_sampling s = sumi_sampling_default(), before = s;
    sumi_model *m = open_with(add_nonsense);
    assert_int_equal(sumi_model_sampling(m, &s), 0);
    assert_memory_equal(&s, &before, sizeof s);
    sumi_model_close(m);
}

static void add_large(gguf_builder *b)
{
    gb_i32(b, "general.sampling.top_k", INT32_MAX);
    gb_i32(b, "general.sampling.penalty_last_n", INT32_MAX);
    gb_f32(b, "general.sampling.penalty_repeat", 1000);
}

static void what_is_recommended_makes_a_sampler(void **state)
{
    (void)state;
    sumi_sampler *sampler;
    sumi_error err;
    sumi_sampling s = sumi_sampling_default();
    sumi_model *m = open_with(add_large);
    assert_int_equal(sumi_model_sampling(m, &s), SUMI_SAMPLING_TOP_K | SUMI_SAMPLING_REPEAT_PENALTY);
    if (sumi_sampler_create(&sampler, 300, &s, &err) != SUMI_OK) fail_msg("%s", err.message);
    sumi_sampler_destroy(sampler);
    sumi_model_close(m);
}

static void generation_config_of_a_folder_is_read(void **state)
{
    (void)state;
    static const char config[] = "{\"do_sample\": true, \"temperature\": 0.7, \"top_k\": 20, \"top_p\": 0.8, "
                                 "\"repetition_penalty\": 1.1, \"min_p\": null, \"max_new_tokens\": 9}";
    test_folder f = test_hf_folder("arcee");
    model_source *src;
    sumi_error err;
    sumi_sampling s = sumi_sampling_default();
    test_folder_write(&f, "generation_config.json", config, sizeof config - 1);
    if (model_source_open(&src, f.path, NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    assert_int_equal(recommended_sampling(src, &s), SUMI_SAMPLING_TEMPERATURE | SUMI_SAMPLING_TOP_K |
                                                        SUMI_SAMPLING_TOP_P | SUMI_SAMPLING_REPEAT_PENALTY);
    assert_true(s.temperature == 0.7f && s.top_k == 20 && s.top_p == 0.8f && s.repeat_penalty == 1.1f);
    model_source_close(src);
    test_folder_remove(&f);
}

static void members_are_taken_and_printed_one_by_one(void **state)
{
    (void)state;
    sumi_sampling to = sumi_sampling_default(), from = { .temperature = 0.5f, .top_k = 3, .top_p = 0.1f, .seed = 7 };
    buf out;
    buf_init(&out, 256);
    sampling_take(&to, &from, SUMI_SAMPLING_TOP_K | SUMI_SAMPLING_SEED);
    assert_true(to.temperature == 0.8f && to.top_k == 3 && to.top_p == 0.95f && to.seed == 7);
    sampling_print(&from, SUMI_SAMPLING_TEMPERATURE | SUMI_SAMPLING_TOP_K | SUMI_SAMPLING_SEED, &out);
    assert_string_equal(out.data, "temp 0.5, top-k 3, seed 7");
    assert_int_equal(sampling_member_at(offsetof(sumi_sampling, top_p)), SUMI_SAMPLING_TOP_P);
    assert_int_equal(sampling_member_at(offsetof(sumi_sampling, bias)), 0);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_recommends_what_its_keys_say),
        cmocka_unit_test(values_that_make_no_sense_are_none),
        cmocka_unit_test(what_is_recommended_makes_a_sampler),
        cmocka_unit_test(generation_config_of_a_folder_is_read),
        cmocka_unit_test(members_are_taken_and_printed_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
