/* test_embeddings.c - bodies and answers of the three ways to ask for embeddings. */
#include <stdlib.h>
#include <string.h>

#include "reply_support.h"
#include "server/api/embeddings/embeddings_reply.h"
#include "server/api/embeddings/embeddings_request.h"

static text_request r;
static api_error e;

static bool parse(text_parse_fn fn, const char *body)
{
    const text_limits limits = text_limits_default();
    memset(&e, 0, sizeof e);
    return fn(&r, body, strlen(body), &limits, &e);
}

static void all_fields_are_read(void **state)
{
    (void)state;
    assert_true(parse(embeddings_parse, "{\"model\":\"m\",\"input\":[\"a\",\"bc\"],\"encoding_format\":\"base64\","
                                        "\"dimensions\":7,\"user\":\"u\",\"pooling\":\"last\",\"unknown\":[]}"));
    assert_string_equal(r.model, "m");
    assert_int_equal(r.n_prompts, 2);
    assert_string_equal(r.prompts[1].text, "bc");
    assert_true(r.base64 && !r.cut && !r.params.embed_raw && !r.stream);
    assert_int_equal(r.dimensions, 7);
    assert_int_equal(r.params.embed, SUMI_POOL_LAST);
    text_request_deinit(&r);
    assert_true(parse(embeddings_parse, "{\"input\":[[1,2],[3]],\"pooling\":null,\"encoding_format\":\"float\"}"));
    assert_true(!r.base64 && !r.model && !r.dimensions && r.params.embed == SUMI_POOL_NONE);
    assert_int_equal(r.n_prompts, 2);
    assert_int_equal(r.prompts[0].ids[1] + r.prompts[1].n_ids, 3);
    text_request_deinit(&r);
    assert_true(parse(embeddings_parse, "{\"input\":[5,6]}"));
    assert_true(r.n_prompts == 1 && r.prompts[0].n_ids == 2);
    text_request_deinit(&r);
}

static void ollamas_texts_may_be_missing(void **state)
{
    (void)state;
    static const char *const nothing[] = { "{\"model\":\"m\"}", "{\"model\":\"m\",\"input\":\"\",\"prompt\":\"\"}",
                                           "{\"model\":\"m\",\"input\":[],\"prompt\":null}" };
    for (int i = 0; i < 3; i++) {
        assert_true(parse(embeddings_parse_ollama, nothing[i]));
        assert_int_equal(r.n_prompts, 0);
        text_request_deinit(&r);
        assert_true(parse(embeddings_parse_ollama_one, nothing[i]));
        assert_int_equal(r.n_prompts, 0);
        text_request_deinit(&r);
    }
    assert_true(parse(embeddings_parse_ollama, "{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"truncate\":false,"
                                               "\"options\":{\"num_ctx\":9},\"keep_alive\":\"5m\",\"dimensions\":3}"));
    assert_true(!r.cut && r.n_prompts == 2 && r.dimensions == 3);
    text_request_deinit(&r);
    assert_true(parse(embeddings_parse_ollama_one, "{\"model\":\"m\",\"prompt\":\"ab\",\"pooling\":\"mean\"}"));
    assert_true(r.cut && r.params.embed_raw && r.n_prompts == 1 && r.prompts[0].n_bytes == 2);
    assert_int_equal(r.params.embed, SUMI_POOL_MEAN);
    text_request_deinit(&r);
}

static void vectors_are_of_length_1_unless_a_field_says_otherwise(void **state)
{
    (void)state;
    static const struct {
        text_parse_fn fn;
        const char *fields;
        bool raw;
    } cases[] = {
        { embeddings_parse, "\"input\":\"a\",\"normalize\":false", true },
        { embeddings_parse, "\"input\":\"a\",\"normalize\":true", false },
        { embeddings_parse, "\"input\":\"a\",\"use_activation\":false", true },
        { embeddings_parse, "\"input\":\"a\",\"embd_normalize\":-1", true },
        { embeddings_parse, "\"input\":\"a\",\"embd_normalize\":2", false },
        { embeddings_parse_ollama, "\"input\":\"a\",\"normalize\":false", true },
        { embeddings_parse_ollama_one, "\"prompt\":\"a\",\"normalize\":true", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[128];
        snprintf(body, sizeof body, "{%s}", cases[i].fields);
        if (!parse(cases[i].fn, body)) fail_msg("%s: %s", body, e.message);
        if (r.params.embed_raw != cases[i].raw) fail_msg("%s", body);
        text_request_deinit(&r);
    }
    assert_true(parse(embeddings_parse, "{\"input\":\"a\",\"add_special_tokens\":false}"));
    assert_true(r.no_bos_eos);
    text_request_deinit(&r);
}

static void fields_that_would_change_the_vector_are_refused(void **state)
{
    (void)state;
    static const struct {
        text_parse_fn fn;
        const char *field;
    } cases[] = {
        { embeddings_parse, "\"embd_normalize\":0" },
        { embeddings_parse, "\"input_type\":\"query\"" },
        { embeddings_parse, "\"prompt_name\":\"query\"" },
        { embeddings_parse, "\"truncate_prompt_tokens\":5" },
        { embeddings_parse, "\"truncate\":true" },
        { embeddings_parse_ollama, "\"encoding_format\":\"base64\"" },
        { embeddings_parse_ollama, "\"truncate_prompt_tokens\":5" },
        { embeddings_parse_ollama, "\"images\":[\"a\"]" },
        { embeddings_parse_ollama_one, "\"task\":\"text-matching\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[128], name[64];
        snprintf(body, sizeof body, "{\"input\":\"a\",\"prompt\":\"\",%s}", cases[i].field);
        snprintf(name, sizeof name, "%.*s", (int)strcspn(cases[i].field + 1, "\""), cases[i].field + 1);
        if (parse(cases[i].fn, body)) fail_msg("accepted: %s", body);
        assert_string_equal(e.code, "unsupported_parameter");
        assert_string_equal(e.param, name);
    }
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        text_parse_fn fn;
        const char *body, *param;
    } bad[] = {
        { embeddings_parse, "{}", "input" },
        { embeddings_parse, "{\"input\":\"\"}", "input" },
        { embeddings_parse, "{\"input\":[]}", "input" },
        { embeddings_parse, "{\"input\":[\"a\",\"\"]}", "input" },
        { embeddings_parse, "{\"input\":[\"a\",1]}", "input" },
        { embeddings_parse, "{\"input\":[1,\"a\"]}", "input" },
        { embeddings_parse, "{\"input\":[-1]}", "input" },
        { embeddings_parse, "{\"input\":{}}", "input" },
        { embeddings_parse, "{\"input\":\"a\",\"model\":1}", "model" },
        { embeddings_parse, "{\"input\":\"a\",\"user\":1}", "user" },
        { embeddings_parse, "{\"input\":\"a\",\"encoding_format\":\"hex\"}", "encoding_format" },
        { embeddings_parse, "{\"input\":\"a\",\"encoding_format\":1}", "encoding_format" },
        { embeddings_parse, "{\"input\":\"a\",\"dimensions\":0}", "dimensions" },
        { embeddings_parse, "{\"input\":\"a\",\"dimensions\":1.5}", "dimensions" },
        { embeddings_parse, "{\"input\":\"a\",\"normalize\":1}", "normalize" },
        { embeddings_parse, "{\"input\":\"a\",\"pooling\":\"max\"}", "pooling" },
        { embeddings_parse_ollama, "{\"model\":1}", "model" },
        { embeddings_parse_ollama, "{\"model\":\"m\",\"input\":5}", "input" },
        { embeddings_parse_ollama, "{\"model\":\"m\",\"input\":[5]}", "input" },
        { embeddings_parse_ollama, "{\"model\":\"m\",\"input\":[\"a\",[1]]}", "input" },
        { embeddings_parse_ollama, "{\"model\":\"m\",\"truncate\":1}", "truncate" },
        { embeddings_parse_ollama, "{\"model\":\"m\",\"options\":1}", "options" },
        { embeddings_parse_ollama_one, "{\"model\":\"m\",\"prompt\":[\"a\"]}", "prompt" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i].fn, bad[i].body)) fail_msg("%s", bad[i].body);
        assert_int_equal(e.status, 400);
        assert_string_equal(e.param, bad[i].param);
        assert_non_null(strstr(e.message, bad[i].param));
        assert_null(r.root);
    }
}

static void no_more_texts_than_the_limit(void **state)
{
    (void)state;
    static char body[16 * (TEXT_MAX_INPUTS + 2)] = "{\"model\":\"m\",\"input\":[\"a\"";
    for (int i = 1; i < TEXT_MAX_INPUTS; i++) strcat(body, ",\"a\"");
    size_t n = strlen(body);
    strcpy(body + n, "]}");
    assert_true(parse(embeddings_parse, body));
    text_request_deinit(&r);
    assert_true(parse(embeddings_parse_ollama, body));
    text_request_deinit(&r);
    strcpy(body + n, ",\"a\"]}");
    assert_false(parse(embeddings_parse, body));
    assert_int_equal(e.status, 400);
    assert_false(parse(embeddings_parse_ollama, body));
}

/* ---- Answers ---- */

static void vector_comes(test_reply *t, int32_t part, const float *x, int32_t n)
{
    const job_event message = { .part = part, .type = SUMI_EVENT_EMBEDDING, .text = "", .embedding = x, .n_embd = n };
    t->format->take(t->reply, &message, &t->out);
}

static test_reply two(text_parse_fn fn, reply_create_fn create, const char *body)
{
    static const float a[] = { 0.6f, 0.8f, 0 }, b[] = { -1, 0, 1e-20f };
    test_reply t = reply_open(fn, create, &embeddings_format, body);
    vector_comes(&t, 1, b, 3); /* in any order */
    reply_ends(&t, 1, SUMI_FINISH_STOP, "");
    vector_comes(&t, 0, a, 3);
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    return t;
}

static void openais_answer_lists_vectors_in_the_order_of_texts(void **state)
{
    (void)state;
    test_reply t = two(embeddings_parse, embeddings_reply_create, "{\"input\":[\"a\",\"b\"]}");
    assert_whole(&t, "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
                     "[0.600000024,0.800000012,0]},{\"object\":\"embedding\",\"index\":1,\"embedding\":"
                     "[-1,0,9.99999968e-21]}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":10,\"total_tokens\":10}}");
}

static void base64_is_that_of_little_endian_floats(void **state)
{
    (void)state;
    /* struct.pack("<3f", 0.6, 0.8, 0) and so on, by Python's base64.b64encode(); of one and two floats too. */
    test_reply t = two(embeddings_parse, embeddings_reply_create,
                       "{\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\"}");
    assert_whole(&t, "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
                     "\"mpkZP83MTD8AAAAA\"},{\"object\":\"embedding\",\"index\":1,\"embedding\":"
                     "\"AACAvwAAAAAI5Twe\"}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":10,\"total_tokens\":10}}");
    static const char *const want[] = { "AACAPw==", "mpkZP83MTD8=" }; /* 1; 0.6, 0.8 */
    for (int n = 1; n <= 2; n++) {
        static const float a[] = { 0.6f, 0.8f };
        char body[128], json[256];
        snprintf(body, sizeof body, "{\"input\":\"a\",\"encoding_format\":\"base64\",\"dimensions\":%d}", n);
        snprintf(json, sizeof json,
                 "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":\"%s\"}],"
                 "\"model\":\"m\",\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}",
                 want[n - 1]);
        t = reply_open(embeddings_parse, embeddings_reply_create, &embeddings_format, body);
        vector_comes(&t, 0, a, 2);
        reply_ends(&t, 0, SUMI_FINISH_STOP, "");
        assert_whole(&t, json);
    }
}

static void fewer_dimensions_are_of_length_1_again(void **state)
{
    (void)state;
    static const float a[] = { 3, 4, 12 };
    test_reply t = reply_open(embeddings_parse, embeddings_reply_create, &embeddings_format,
                              "{\"input\":\"a\",\"dimensions\":2}");
    vector_comes(&t, 0, a, 3);
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_whole(&t, "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
                     "[0.600000024,0.800000012]}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}");
}

static void ollamas_answers(void **state)
{
    (void)state;
    static const float a[] = { 3, 4 };
    test_reply t = reply_open(embeddings_parse_ollama_one, embeddings_ollama_one_reply_create, &embeddings_format,
                              "{\"model\":\"m:latest\",\"prompt\":\"a\",\"dimensions\":1}");
    vector_comes(&t, 0, a, 2);
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_whole(&t, "{\"embedding\":[3]}");
    t = reply_open(embeddings_parse_ollama_one, embeddings_ollama_one_reply_create, &embeddings_format,
                   "{\"model\":\"m\"}");
    assert_whole(&t, "{\"embedding\":[]}");

    t = two(embeddings_parse_ollama, embeddings_ollama_reply_create,
            "{\"model\":\"m:latest\",\"input\":[\"a\",\"b\"]}");
    assert_true(t.format->whole(t.reply, &t.out, &e));
    json_t *o = json_loads(t.out.data, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(o, "model")), "m");
    assert_int_equal(json_array_size(json_object_get(o, "embeddings")), 2);
    assert_true(json_number_value(json_array_get(json_array_get(json_object_get(o, "embeddings"), 1), 0)) == -1);
    assert_int_equal(json_integer_value(json_object_get(o, "prompt_eval_count")), 10);
    assert_int_equal(json_integer_value(json_object_get(o, "load_duration")), 1000000);
    assert_true(json_integer_value(json_object_get(o, "total_duration")) >= 0);
    json_decref(o);
    buf_deinit(&t.out);
    t.format->destroy(t.reply);
}

static void one_part_that_fails_is_the_answer(void **state)
{
    (void)state;
    test_reply t = reply_open(embeddings_parse, embeddings_reply_create, &embeddings_format,
                              "{\"input\":[\"a\",\"b\"]}");
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    reply_ends(&t, 1, SUMI_FINISH_DEADLINE, "the time limit has passed: total");
    assert_failed(&t, 504);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_are_read),
        cmocka_unit_test(ollamas_texts_may_be_missing),
        cmocka_unit_test(vectors_are_of_length_1_unless_a_field_says_otherwise),
        cmocka_unit_test(fields_that_would_change_the_vector_are_refused),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(no_more_texts_than_the_limit),
        cmocka_unit_test(openais_answer_lists_vectors_in_the_order_of_texts),
        cmocka_unit_test(base64_is_that_of_little_endian_floats),
        cmocka_unit_test(fewer_dimensions_are_of_length_1_again),
        cmocka_unit_test(ollamas_answers),
        cmocka_unit_test(one_part_that_fails_is_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
