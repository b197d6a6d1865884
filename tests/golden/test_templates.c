/* test_templates.c - the template engine against goldens that make_templates.py made with the real Jinja.
 *
 * With the argument --batch it is no test but a driver for diff_jinja.py: each line of JSON on standard input, with
 * "templates" and the "vars" of all of them, gives a line with a list of {"text"} or {"error", "status"}. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jinja/jinja.h"
#include "test_support.h"

#define NOW_US ((int64_t)1721901600 * 1000000) /* 2024-07-25 10:00:00 UTC, as in make_templates.py */

/* Renders; *text is freed with free() and NULL after an error. */
static sumi_status render(const char *source, size_t n, const json_t *vars, char **text, size_t *n_text,
                          sumi_error *err)
{
    jinja_template *t;
    jinja_limits limits = jinja_limits_default();
    buf out;
    *text = NULL;
    sumi_status status = jinja_template_compile(&t, source, n, "template", err);
    if (status != SUMI_OK) return status;
    buf_init(&out, (size_t)64 << 20);
    status = jinja_template_render(t, vars, &limits, NOW_US, &out, err);
    if (status == SUMI_OK) *text = buf_take(&out, n_text);
    buf_deinit(&out);
    jinja_template_destroy(t);
    return status;
}

/* ---- The driver ---- */

/* {"text": ...} or {"error": ..., "status": ...} */
static json_t *answer(const json_t *source, const json_t *vars)
{
    sumi_error err = { 0 };
    char *text;
    size_t n_text;
    sumi_status status = render(json_string_value(source), json_string_length(source), vars, &text, &n_text, &err);
    json_t *result = status == SUMI_OK ? json_pack("{s:o}", "text", json_stringn_nocheck(text, n_text))
                                       : json_pack("{s:s, s:i}", "error", err.message, "status", (int)status);
    free(text);
    return result;
}

static int run_batch(void)
{
    char *line = NULL;
    size_t cap = 0, i;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        json_error_t why;
        json_t *job = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, &why), *results = json_array(), *source;
        if (!job) {
            fprintf(stderr, "bad line: %s\n", why.text);
            return 1;
        }
        json_array_foreach(json_object_get(job, "templates"), i, source)
            json_array_append_new(results, answer(source, json_object_get(job, "vars")));
        json_dumpf(results, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(results);
        json_decref(job);
    }
    free(line);
    return 0;
}

/* ---- Goldens ---- */

static json_t *load_golden(const char *path)
{
    size_t n;
    char *data = test_read_file(test_source_path(path), &n);
    json_error_t why;
    json_t *json = json_loadb(data, n, JSON_ALLOW_NUL, &why);
    if (!json) fail_msg("%s: %s", path, why.text);
    free(data);
    return json;
}

/* One expectation: the text, or (want is null) an error, whose words are given for raise_exception(). */
static bool check(const char *where, const json_t *source, const json_t *vars, const json_t *want, const char *words)
{
    sumi_error err = { 0 };
    char *text;
    size_t n_text = 0;
    sumi_status status = render(json_string_value(source), json_string_length(source), vars, &text, &n_text, &err);
    bool ok;
    if (json_is_string(want)) {
        ok = status == SUMI_OK && n_text == json_string_length(want) && !memcmp(text, json_string_value(want), n_text);
        if (!ok)
            print_error("%s\n  source   %s\n  expected %s\n  got      %s\n", where, json_string_value(source),
                        json_string_value(want), text ? text : err.message);
    } else {
        ok = status != SUMI_OK && (!words || !strcmp(err.message, words));
        if (!ok)
            print_error("%s\n  source   %s\n  expected an error (%s)\n  got      %s\n", where,
                        json_string_value(source), words ? words : "any", text ? text : err.message);
    }
    free(text);
    return ok;
}

static void pieces_give_what_jinja_gives(const char *path, size_t n_at_least)
{
    json_t *golden = load_golden(path), *cases = json_object_get(golden, "cases"), *c;
    size_t i, n_bad = 0;
    json_array_foreach(cases, i, c)
    {
        char where[32];
        snprintf(where, sizeof where, "piece %zu", i);
        n_bad += !check(where, json_array_get(c, 0), json_object_get(golden, "vars"), json_array_get(c, 1), NULL);
    }
    print_message("%s: %zu pieces\n", path, json_array_size(cases));
    assert_true(json_array_size(cases) >= n_at_least);
    assert_int_equal(n_bad, 0);
    json_decref(golden);
}

static void snippets_give_what_jinja_gives(void **state)
{
    (void)state;
    pieces_give_what_jinja_gives("tests/golden/templates/snippets.json", 1100);
}

static void random_templates_give_what_jinja_gives(void **state)
{
    (void)state;
    pieces_give_what_jinja_gives("tests/golden/templates/random.json", 2000);
}

/* The source is part of the golden file, or, with a folder, the file of that name. */
static json_t *source_of(const char *folder, const char *name, const json_t *template)
{
    char path[512];
    size_t n;
    if (!folder) return json_incref(json_object_get(template, "source"));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text = test_read_file(test_source_path(path), &n);
    json_t *source = json_stringn(text, n);
    assert_non_null(source);
    free(text);
    return source;
}

/* Returns the number of templates. */
static size_t chats_give_what_transformers_gives(const char *path, const char *folder)
{
    json_t *golden = load_golden(path), *template, *c;
    const char *name;
    size_t i, n_bad = 0, n_cases = 0, n_templates = 0;
    json_object_foreach(json_object_get(golden, "templates"), name, template)
    {
        json_t *source = source_of(folder, name, template);
        json_array_foreach(json_object_get(template, "cases"), i, c)
        {
            char where[160];
            snprintf(where, sizeof where, "%s, case %zu (%s)", name, i, json_string_value(json_object_get(c, "chat")));
            json_t *chat = json_object_get(json_object_get(golden, "chats"),
                                           json_string_value(json_object_get(c, "chat")));
            json_t *vars = json_copy(chat);
            json_object_update(vars, json_object_get(template, "vars"));
            n_bad += !check(where, source, vars, json_object_get(c, "text"),
                            json_string_value(json_object_get(c, "words")));
            n_cases++;
            json_decref(vars);
        }
        n_templates++;
        json_decref(source);
    }
    print_message("%s: %zu templates, %zu chats\n", path, n_templates, n_cases);
    assert_true(n_cases >= 6 * n_templates);
    assert_int_equal(n_bad, 0);
    json_decref(golden);
    return n_templates;
}

static void chat_templates_give_what_transformers_gives(void **state)
{
    (void)state;
    assert_true(chats_give_what_transformers_gives("tests/golden/templates/chats.json", NULL) >= 25);
}

static void collected_templates_give_what_transformers_gives(void **state)
{
    (void)state;
    assert_true(chats_give_what_transformers_gives("tests/golden/templates/collected.json",
                                                   "tests/golden/template_sources/collected") >= 40);
}

int main(int argc, char **argv)
{
    setenv("TZ", "UTC", 1);
    if (argc > 1 && !strcmp(argv[1], "--batch")) return run_batch();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snippets_give_what_jinja_gives),
        cmocka_unit_test(random_templates_give_what_jinja_gives),
        cmocka_unit_test(chat_templates_give_what_transformers_gives),
        cmocka_unit_test(collected_templates_give_what_transformers_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
