/* test_chat_template.c - the variables that a chat gives to its template, as transformers' apply_chat_template() does. */
#include <stdlib.h>
#include <string.h>

#include "jinja/chat_template.h"
#include "test_support.h"

static char *format(const char *source, const char *messages, const char *tools, const char *extra, const char *bos,
                    sumi_status *status, sumi_error *err)
{
    chat_template *t;
    buf out;
    chat_input in = { .messages = json_loads(messages, JSON_DECODE_ANY, NULL),
                      .add_generation_prompt = true,
                      .bos = bos,
                      .n_bos = bos ? strlen(bos) : 0 };
    in.tools = tools ? json_loads(tools, JSON_DECODE_ANY, NULL) : NULL;
    in.extra = extra ? json_loads(extra, 0, NULL) : NULL;
    assert_int_equal(chat_template_compile(&t, source, strlen(source), "m.gguf: chat template", err), SUMI_OK);
    buf_init(&out, 1 << 20);
    *status = chat_template_format(t, &in, &out, err);
    char *text = *status == SUMI_OK ? buf_take(&out, NULL) : NULL;
    buf_deinit(&out);
    chat_template_destroy(t);
    json_decref(in.messages);
    json_decref(in.tools);
    json_decref(in.extra);
    return text;
}

static void expect(const char *source, const char *messages, const char *tools, const char *extra, const char *bos,
                   const char *want)
{
    sumi_status status;
    sumi_error err;
    char *text = format(source, messages, tools, extra, bos, &status, &err);
    if (!text) fail_msg("%s: %s", source, err.message);
    assert_string_equal(text, want);
    free(text);
}

static void absent_parts_are_none_or_undefined(void **state)
{
    (void)state;
    expect("{{ tools is defined }}{{ tools }}{{ documents }}", "[]", NULL, NULL, NULL, "TrueNoneNone");
    expect("{{ tools[0].name }}", "[]", "[{\"name\": \"f\"}]", NULL, NULL, "f");
    expect("{{ bos_token is defined }}[{{ bos_token }}]", "[]", NULL, NULL, NULL, "False[]");
    expect("{{ bos_token }}", "[]", NULL, NULL, "<s>", "<s>");
    expect("{{ enable_thinking }}{{ add_generation_prompt }}", "[]", NULL,
           "{\"enable_thinking\": false, \"add_generation_prompt\": false}", NULL, "FalseTrue");
}

static void reasoning_has_the_names_that_templates_read(void **state)
{
    (void)state;
    static const char source[] = "{% for m in messages %}{{ m|tojson }}{% endfor %}";
    expect(source, "[{\"role\": \"assistant\", \"reasoning\": \"hm\"}]", NULL, NULL, NULL,
           "{\"thinking\": \"hm\", \"role\": \"assistant\", \"reasoning\": \"hm\", \"reasoning_content\": "
           "\"hm\"}");
    expect(source, "[{\"thinking\": \"a\", \"reasoning_content\": null}]", NULL, NULL, NULL,
           "{\"thinking\": \"a\", \"reasoning_content\": \"a\"}");
    expect(source, "[{\"role\": \"user\", \"reasoning\": null}]", NULL, NULL, NULL,
           "{\"role\": \"user\", \"reasoning\": null}");
}

static void what_is_no_chat_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *messages, *tools, *error;
    } cases[] = {
        { "{}", NULL, "messages: not an array" },
        { "[{}, 1]", NULL, "messages: element 1 is not an object" },
        { "[]", "{}", "tools: not an array" },
        { "[]", "[\"f\"]", "tools: element 0 is not an object" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sumi_status status;
        sumi_error err;
        assert_null(format("x", cases[i].messages, cases[i].tools, NULL, NULL, &status, &err));
        assert_int_equal(status, SUMI_EINVAL);
        assert_string_equal(err.message, cases[i].error);
    }
}

static void a_bad_template_names_its_file_and_line(void **state)
{
    (void)state;
    chat_template *t = (void *)1;
    sumi_error err;
    assert_int_equal(chat_template_compile(&t, "a\n{% for %}", 11, "m.gguf: chat template", &err), SUMI_EFORMAT);
    assert_null(t);
    assert_string_equal(err.message, "m.gguf: chat template: line 2: unexpected %}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_parts_are_none_or_undefined),
        cmocka_unit_test(reasoning_has_the_names_that_templates_read),
        cmocka_unit_test(what_is_no_chat_is_refused),
        cmocka_unit_test(a_bad_template_names_its_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
