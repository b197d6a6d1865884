/* test_chat_adapt.c - chats that a template does not take as they are, by templates as models carry them.
 *
 * What each template takes was read in its source; what is rendered is what transformers renders for the folded chat. */
#include <stdlib.h>
#include <string.h>

#include "jinja/chat_template.h"
#include "test_support.h"

static chat_template *open_template(const char *name)
{
    char path[128];
    size_t n;
    sumi_error err;
    chat_template *t;
    snprintf(path, sizeof path, "tests/golden/template_sources/%s.jinja", name);
    char *source = test_read_file(test_source_path(path), &n);
    if (chat_template_compile(&t, source, n, name, &err) != SUMI_OK) fail_msg("%s", err.message);
    free(source);
    return t;
}

typedef struct result {
    char *text; /* NULL: status and err */
    sumi_status status;
    sumi_error err;
} result;

/* Destroys t. */
static result render_with(chat_template *t, const char *messages, bool strict, bool continued)
{
    chat_input in = { .messages = json_loads(messages, 0, NULL),
                      .add_generation_prompt = true,
                      .strict_roles = strict,
                      .continue_final = continued,
                      .bos = "<s>",
                      .n_bos = 3,
                      .eos = "</s>",
                      .n_eos = 4 };
    result r = { 0 };
    buf out;
    assert_non_null(in.messages);
    buf_init(&out, 1 << 20);
    r.status = chat_template_format(t, &in, &out, &r.err);
    if (r.status == SUMI_OK) r.text = buf_take(&out, NULL);
    buf_deinit(&out);
    json_decref(in.messages);
    chat_template_destroy(t);
    return r;
}

static result render(const char *name, const char *messages, bool strict, bool continued)
{
    return render_with(open_template(name), messages, strict, continued);
}

static void expect(const char *name, const char *messages, const char *want)
{
    result r = render(name, messages, false, false);
    if (!r.text) fail_msg("%s: %s", name, r.err.message);
    assert_string_equal(r.text, want);
    free(r.text);
}

static void expect_part(const char *name, const char *messages, const char *part)
{
    result r = render(name, messages, false, false);
    if (!r.text) fail_msg("%s: %s", name, r.err.message);
    if (!strstr(r.text, part)) fail_msg("%s: no '%s' in '%s'", name, part, r.text);
    free(r.text);
}

static void expect_refused(const char *name, const char *messages, bool strict, bool continued, const char *part)
{
    result r = render(name, messages, strict, continued);
    assert_null(r.text);
    test_expect_error(r.status, SUMI_EINVAL, &r.err, part);
}

#define M(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"

static void a_system_message_goes_before_the_first_users_text(void **state)
{
    (void)state;
    const char *chat = "[" M("system", "S") "," M("user", "U") "]";
    expect("gemma2", chat, "<s><start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\n");
    expect("mistral-v1", chat, "<s>[INST] S\n\nU [/INST]");
    expect_refused("gemma2", chat, true, false, "System role not supported");
    expect("gemma2", "[" M("system", "S") "]", "<s><start_of_turn>user\nS<end_of_turn>\n<start_of_turn>model\n");
    expect("chatml", chat, "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n");
}

/* These templates show a system message before a turn of the user only: alone it was left out, or refused. */
static void a_chat_of_system_messages_only_is_shown(void **state)
{
    (void)state;
    const char *one = "[" M("system", "S") "]", *two = "[" M("system", "S") "," M("system", "T") "]";
    expect("gemma3", one, "<s><start_of_turn>user\nS<end_of_turn>\n<start_of_turn>model\n");
    expect("gemma3", two, "<s><start_of_turn>user\nS\n\nT<end_of_turn>\n<start_of_turn>model\n");
    expect("mistral-v3", one, "<s>[INST] S[/INST]");
    expect_part("llama2", two, "\n<</SYS>>\n\nS\n\nT [/INST]"); /* after a system text of its own */
    expect("chatml", one, "<|im_start|>system\nS<|im_end|>\n<|im_start|>assistant\n");
}

static void later_system_messages_go_to_the_next_turn_of_the_user(void **state)
{
    (void)state;
    expect("gemma2",
           "[" M("user", "U") "," M("assistant", "A") "," M("system", "S") "," M("system", "T") "," M("user", "V") "]",
           "<s><start_of_turn>user\nU<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n<start_of_turn>user\n"
           "S\n\nT\n\nV<end_of_turn>\n<start_of_turn>model\n");
    /* It takes one at the beginning: two become one. */
    expect("llama2", "[" M("system", "S") "," M("system", "T") "," M("user", "U") "]",
           "<s>[INST] <<SYS>>\nS\n\nT\n<</SYS>>\n\nU [/INST]");
    expect_part("qwen2.5", "[" M("user", "U") "," M("system", "S") "," M("user", "V") "]",
                "<|im_start|>system\nS<|im_end|>");
}

static void neighbours_of_one_role_become_one_turn_where_turns_must_alternate(void **state)
{
    (void)state;
    const char *chat = "[" M("user", "U") "," M("user", "V") "," M("assistant", "A") "," M("assistant",
                                                                                           "B") "," M("user", "W") "]";
    expect("mistral-v1", chat, "<s>[INST] U\n\nV [/INST]A\n\nB</s>[INST] W [/INST]");
    expect_refused("mistral-v1", chat, true, false, "must alternate");
    expect("chatml", "[" M("user", "U") "," M("user", "V") "]",
           "<|im_start|>user\nU<|im_end|>\n<|im_start|>user\nV<|im_end|>\n<|im_start|>assistant\n");
}

#define CALL(content, id, arguments)                                   \
    "{\"role\":\"assistant\"," content "\"tool_calls\":[{\"id\":\"" id \
    "\",\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"arguments\":" arguments "}}]}"
#define RESULT(id) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"sunny\"}"

static void calls_of_tools_have_the_form_that_the_template_reads(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "[" M("user", "U") "," CALL("\"content\":null,", "call_1",
                                    "\"{\\\"city\\\": \\\"Paris\\\"}\"") "," RESULT("call_1") "]",
        "[" M("user", "U") "," CALL("\"content\":\"\",", "call_1", "{\"city\":\"Paris\"}") "," RESULT("call_1") "]",
        "[" M("user", "U") "," CALL("", "call_1", "\"{\\\"city\\\":\\\"Paris\\\"}\"") "," RESULT("call_1") "]",
    };
    for (int i = 0; i < 3; i++) {
        expect_part("qwen2.5", contents[i],
                    "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>");
        expect_part("llama3.1", contents[i], "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}");
        expect_part("deepseek-r1", contents[i],
                    "get_weather\n```json\n{\"city\": \"Paris\"}\n```"); /* content is null */
    }
    /* Ids of nine letters and digits; a call and its result have the same one. */
    result r = render("mistral-v3", contents[0], false, false);
    if (!r.text) fail_msg("%s", r.err.message);
    const char *id = strstr(r.text, "\"id\": \""), *result_id = strstr(r.text, "\"call_id\": \"");
    assert_non_null(
        strstr(r.text, "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}, \"id\": "));
    assert_true(id && result_id && !strncmp(id + 7, result_id + 12, 10) && id[16] == '"');
    free(r.text);
    expect_part("mistral-v3", "[" M("user", "U") "," CALL("", "Abc123xyz", "{}") "," RESULT("Abc123xyz") "]",
                "\"call_id\": \"Abc123xyz\"");
    expect_part("qwen2.5", "[" M("user", "U") "," CALL("", "c", "\"\"") "]", "\"arguments\": {}");
}

/* transformers' own documentation has calls with and without an object "function". */
static void a_call_may_be_the_function_itself(void **state)
{
    (void)state;
    const char *chat = "[" M("user",
                             "U") ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"name\":\"get_weather\","
                                  "\"arguments\":\"{\\\"city\\\":\\\"Paris\\\"}\"}]}," RESULT("c") "]";
    expect_part("qwen2.5", chat, "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}");
    expect_part("qwen3", chat, "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}");
    expect_refused("qwen2.5", "[" M("user", "U") ",{\"role\":\"assistant\",\"tool_calls\":[\"x\"]}]", false, false,
                   "message 1: tool call 0 is not an object");
}

/* Python's json.dumps() of the same object, for a template that joins texts, as that of DeepSeek-V3 does. */
static void arguments_become_text_as_python_writes_them(void **state)
{
    static const char source[] = "{% for m in messages %}{{ m.content or '' }}{% for c in m.tool_calls or [] %}"
                                 "{{ c.function.name + ' ' + c.function.arguments }}{% endfor %};{% endfor %}";
    chat_template *t;
    (void)state;
    assert_int_equal(chat_template_compile(&t, source, strlen(source), "x", NULL), SUMI_OK);
    result r = render_with(t,
                           "[" M("user", "U") "," CALL("\"content\":null,", "c",
                                                       "{\"t\":0.1,\"n\":1.0,\"i\":7}") "," RESULT("c") "]",
                           false, false);
    if (!r.text) fail_msg("%s", r.err.message);
    assert_string_equal(r.text, "U;get_weather {\"t\": 0.1, \"n\": 1.0, \"i\": 7};sunny;");
    free(r.text);
}

static void calls_without_a_place_are_refused(void **state)
{
    (void)state;
    const char *chat = "[" M("user", "U") "," CALL("\"content\":\"\",", "c", "{}") "," RESULT("c") "]";
    expect_refused("chatml", chat, false, false,
                   "message 1 has tool_calls, but the model's chat template does not show tool calls");
    expect_refused("gemma2", "[" M("user", "U") "," M("assistant", "A") "," RESULT("c") "]", false, false,
                   "message 2 has the role tool, but");
    expect_refused("qwen2.5", "[" M("user", "U") "," CALL("", "c", "\"{\"") "]", false, false, "not JSON");
}

static void the_last_message_is_gone_on_with(void **state)
{
    (void)state;
    const char *chat = "[" M("user", "U") "," M("assistant", "One, two ") "]";
    result r = render("chatml", chat, false, true);
    if (!r.text) fail_msg("%s", r.err.message);
    assert_string_equal(r.text, "<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\nOne, two ");
    free(r.text);
    r = render("gemma2", chat, false, true); /* which trims */
    if (!r.text) fail_msg("%s", r.err.message);
    assert_string_equal(r.text, "<s><start_of_turn>user\nU<end_of_turn>\n<start_of_turn>model\nOne, two");
    free(r.text);
    /* White space of any kind, as rstrip() of Python has it. */
    r = render("gemma2", "[" M("user", "U") "," M("assistant", "One\\u00a0\\u3000\\n") "]", false, true);
    if (!r.text) fail_msg("%s", r.err.message);
    assert_string_equal(r.text, "<s><start_of_turn>user\nU<end_of_turn>\n<start_of_turn>model\nOne");
    free(r.text);
    r = render("mistral-v1", "[" M("user", "Finish") "]", false, true);
    if (!r.text) fail_msg("%s", r.err.message);
    assert_string_equal(r.text, "<s>[INST] Finish");
    free(r.text);
    expect_refused("chatml", "[]", false, true, "no text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_message_goes_before_the_first_users_text),
        cmocka_unit_test(a_chat_of_system_messages_only_is_shown),
        cmocka_unit_test(later_system_messages_go_to_the_next_turn_of_the_user),
        cmocka_unit_test(neighbours_of_one_role_become_one_turn_where_turns_must_alternate),
        cmocka_unit_test(calls_of_tools_have_the_form_that_the_template_reads),
        cmocka_unit_test(a_call_may_be_the_function_itself),
        cmocka_unit_test(arguments_become_text_as_python_writes_them),
        cmocka_unit_test(calls_without_a_place_are_refused),
        cmocka_unit_test(the_last_message_is_gone_on_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
