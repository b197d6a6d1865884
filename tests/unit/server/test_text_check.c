/* test_text_check.c - what a model and an engine cannot do is refused under the name that the field has in the API. */
#include "server/api/text_check.h"

#include <string.h>

#include "server/api/openai/openai_request.h"
#include "test_support.h"

/* The field that is refused by a model of 100 tokens in an engine of 4 sequences; NULL: none. */
static const char *refused(text_parse_fn parse, const char *body)
{
    static api_error e;
    const text_limits limits = text_limits_default();
    const sumi_model_info model = { .n_vocab = 100 };
    const sumi_engine_stats engine = { .max_seqs = 4 };
    text_request r;
    if (!parse(&r, body, strlen(body), &limits, &e)) fail_msg("%s: %s", body, e.message);
    bool ok = text_check(&r, &model, &engine, &e);
    text_request_deinit(&r);
    if (ok) return NULL;
    assert_int_equal(e.status, 400);
    assert_string_equal(e.code, "invalid_value");
    assert_true(!strncmp(e.message, e.param, strlen(e.param)));
    return e.param;
}

static void fields_with_unknown_tokens_or_too_many_choices_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *param;
    } cases[] = {
        { "\"prompt\":[1,100]", "prompt" },
        { "\"prompt\":[[1],[2,1000]]", "prompt" },
        { "\"prompt\":\"a\",\"stop_token_ids\":[99,100]", "stop_token_ids" },
        { "\"prompt\":\"a\",\"logit_bias\":{\"5\":1,\"100\":-1}", "logit_bias" },
        { "\"prompt\":\"a\",\"n\":5", "n" },
        { "\"prompt\":\"a\",\"n\":2,\"best_of\":5", "best_of" },
        { "\"prompt\":[0,99],\"stop_token_ids\":[0,99],\"logit_bias\":{\"99\":1},\"n\":4", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];
        snprintf(body, sizeof body, "{%s}", cases[i].fields);
        const char *param = refused(openai_parse_completion, body);
        if (!cases[i].param) assert_null(param);
        else if (!param || strcmp(param, cases[i].param) != 0) fail_msg("%s: %s", body, param ? param : "accepted");
    }
    assert_string_equal(refused(openai_parse_chat, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"n\":5}"),
                        "n");
}

static void memory_for_one_choice_is_a_matter_of_the_prompt(void **state)
{
    (void)state;
    sumi_request p = sumi_request_default();
    assert_string_equal(text_blamed_field(&p, "messages"), "messages");
    p.n = 3;
    assert_string_equal(text_blamed_field(&p, "messages"), "n");
    p.best_of = 4;
    assert_string_equal(text_blamed_field(&p, "messages"), "best_of");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_with_unknown_tokens_or_too_many_choices_are_named),
        cmocka_unit_test(memory_for_one_choice_is_a_matter_of_the_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
