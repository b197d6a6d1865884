/* chat_caps.c - see chat_caps.h. */
#include "jinja/chat_caps.h"

#include <string.h>

#include "base/json_read.h"

/* A template that needs more for three turns is broken or an attack. */
enum { MAX_PROBE_STEPS = 1 << 20, MAX_PROBE_BYTES = 1 << 20, MAX_PROBE_VALUES = 16 << 20 };

#define TURN(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"
#define USER_1           TURN("user", "probe-user-1")
#define USER_2           TURN("user", "probe-user-2")
#define ANSWER_1         TURN("assistant", "probe-answer-1")
#define ANSWER_2         TURN("assistant", "probe-answer-2")
#define SYSTEM_1         TURN("system", "probe-system-1")
#define SYSTEM_2         TURN("system", "probe-system-2")

enum { MAX_NEEDLES = 4 };

typedef struct probe {
    const jinja_template *t;
    bool no_memory; /* an answer is not known */
} probe;

/* Whether messages render, and the text has all of needles and not `without` (NULL: nothing is forbidden). */
static bool shows(probe *p, const char *messages, const char *const needles[MAX_NEEDLES], const char *without)
{
    jinja_limits limits = jinja_limits_default();
    limits.max_steps = MAX_PROBE_STEPS;
    limits.max_value_bytes = MAX_PROBE_VALUES;
    json_t *vars = json_pack("{s:o, s:n, s:n, s:b, s:s, s:s}", "messages",
                             json_read(messages, strlen(messages), 0, NULL), "tools", "documents",
                             "add_generation_prompt", 1, "bos_token", "<s>", "eos_token", "</s>");
    buf out;
    buf_init(&out, MAX_PROBE_BYTES);
    sumi_status status = vars ? jinja_template_render(p->t, vars, &limits, -1, &out, NULL) : SUMI_ENOMEM;
    p->no_memory |= status == SUMI_ENOMEM || out.status == SUMI_ENOMEM;
    bool shown = status == SUMI_OK && out.data;
    for (int i = 0; shown && i < MAX_NEEDLES && needles[i]; i++) shown = strstr(out.data, needles[i]) != NULL;
    if (shown && without) shown = !strstr(out.data, without);
    buf_deinit(&out);
    json_decref(vars);
    return shown;
}

#define SHOWS(p, messages, ...) shows(p, "[" messages "]", (const char *const[MAX_NEEDLES]){ __VA_ARGS__ }, NULL)

/* A form of a tool call. */
typedef struct call_form {
    bool text, null_content, short_id;
} call_form;

/* A call and, with result, its result. An object that is printed in Python's form, with single quotes, is not JSON: with
 * strict such a form is not accepted. */
static bool shows_call(probe *p, call_form f, bool result, bool strict)
{
    char messages[1024];
    const char *id = f.short_id ? "probe0id1" : "call_probe-id-1";
    buf b;
    buf_init(&b, sizeof messages);
    buf_printf(&b,
               "[" USER_1
               ",{\"role\":\"assistant\",\"content\":%s,\"tool_calls\":[{\"id\":\"%s\",\"type\":\"function\","
               "\"function\":{\"name\":\"probe_call\",\"arguments\":%s}}]}",
               f.null_content ? "null" : "\"\"", id,
               f.text ? "\"{\\\"probe_key\\\": \\\"probe-value\\\"}\"" : "{\"probe_key\":\"probe-value\"}");
    if (result)
        buf_printf(&b,
                   ",{\"role\":\"tool\",\"tool_call_id\":\"%s\",\"name\":\"probe_call\",\"content\":\"probe-result\"}",
                   id);
    buf_append_char(&b, ']');
    const char *const needles[MAX_NEEDLES] = { "probe_call", "probe-value", result ? "probe-result" : NULL };
    p->no_memory |= b.status == SUMI_ENOMEM;
    bool shown = b.status == SUMI_OK && shows(p, b.data, needles, strict ? "'probe-value'" : NULL);
    buf_deinit(&b);
    return shown;
}

/* The first form in which calls are shown, as API clients write them before others. */
static bool find_call_form(probe *p, bool result, chat_caps *caps)
{
    for (int strict = 1; strict >= 0; strict--)
        for (int i = 0; i < 8; i++) {
            const call_form f = { .short_id = i & 4, .text = i & 2, .null_content = i & 1 };
            if (!shows_call(p, f, result, strict)) continue;
            caps->tool_calls = true;
            caps->arguments_text = f.text;
            caps->null_content = f.null_content;
            caps->short_ids = f.short_id;
            return true;
        }
    return false;
}

static chat_caps find(probe *p)
{
    chat_caps caps = { .system = true,
                       .lone_system = true,
                       .later_system = true,
                       .repeats = true,
                       .tool_calls = true,
                       .tool_results = true };
    if (!SHOWS(p, USER_1, "probe-user-1")) return caps;
    caps.system = SHOWS(p, SYSTEM_1 "," USER_1, "probe-system-1", "probe-user-1");
    caps.lone_system = caps.system && SHOWS(p, SYSTEM_1, "probe-system-1");
    caps.later_system = caps.system && SHOWS(p, SYSTEM_1 "," USER_1 "," ANSWER_1 "," SYSTEM_2 "," USER_2,
                                             "probe-system-1", "probe-system-2", "probe-user-1", "probe-user-2");
    caps.repeats = SHOWS(p, USER_1 "," USER_2 "," ANSWER_1 "," ANSWER_2 "," USER_2, "probe-user-1", "probe-answer-1",
                         "probe-answer-2", "probe-user-2");
    caps.tool_calls = false;
    caps.tool_results = find_call_form(p, true, &caps);
    if (caps.tool_results) return caps;
    find_call_form(p, false, &caps);
    caps.tool_results = SHOWS(p, USER_1 "," ANSWER_1 "," TURN("tool", "probe-result"), "probe-user-1", "probe-answer-1",
                              "probe-result");
    return caps;
}

bool chat_caps_find(chat_caps *caps, const jinja_template *t)
{
    probe p = { .t = t };
    *caps = find(&p);
    return !p.no_memory;
}
