/* test_jinja.c - the template engine through its header: what it says of mistakes, and that nothing a template or a
 * message holds takes more time, memory or stack than the limits allow. What templates mean is compared with Jinja
 * itself in tests/golden/test_templates.c. */
#include <jansson.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "jinja/jinja.h"
#include "test_support.h"

static sumi_status render_with(const char *source, const char *vars_json, const jinja_limits *limits, size_t max_out,
                               buf *out, sumi_error *err)
{
    jinja_template *t;
    *err = (sumi_error){ 0 };
    buf_init(out, max_out);
    sumi_status status = jinja_template_compile(&t, source, strlen(source), "t", err);
    assert_true((status == SUMI_OK) == (t != NULL));
    if (status != SUMI_OK) return status;
    json_t *vars = json_loads(vars_json, JSON_ALLOW_NUL, NULL);
    assert_non_null(vars);
    status = jinja_template_render(t, vars, limits, 0, out, err);
    json_decref(vars);
    jinja_template_destroy(t);
    return status;
}

static void expect(const char *source, const char *vars, const char *want)
{
    jinja_limits limits = jinja_limits_default();
    sumi_error err;
    buf out;
    if (render_with(source, vars, &limits, 1 << 20, &out, &err) != SUMI_OK) fail_msg("%s: %s", source, err.message);
    assert_string_equal(out.data ? out.data : "", want);
    buf_deinit(&out);
}

static void expect_error(const char *source, sumi_status status, const char *message)
{
    jinja_limits limits = jinja_limits_default();
    sumi_error err;
    buf out;
    sumi_status got = render_with(source, "{\"n\": 1, \"s\": \"x\", \"d\": {}}", &limits, 1 << 20, &out, &err);
    buf_deinit(&out);
    if (strcmp(err.message, message)) fail_msg("%s\n  expected %s\n  got      %s", source, message, err.message);
    assert_int_equal(got, status);
}

static sumi_status json_text(const json_t *json, buf *out, jinja_limits limits, size_t max)
{
    buf_init(out, max);
    return jinja_json_text(json, &limits, out, NULL);
}

static void json_is_written_as_by_tojson(void **state)
{
    static const char text[] =
        "{\"a\": [1, -0.1, 1e+300, null, true], \"b\": {}, \"\\u00e9\": \"\\n\\\"<\", \"c\": 9223372036854775807}";
    jinja_limits limits = jinja_limits_default();
    json_t *json = json_loads(text, 0, NULL), *deep = json_array(), *vars = json_pack("{s:O}", "x", json);
    buf by_template, by_call;
    jinja_template *t;
    (void)state;
    buf_init(&by_template, 1 << 20);
    assert_int_equal(jinja_template_compile(&t, "{{ x|tojson }}", 14, "t", NULL), SUMI_OK);
    assert_int_equal(jinja_template_render(t, vars, &limits, 0, &by_template, NULL), SUMI_OK);
    assert_int_equal(json_text(json, &by_call, limits, 1 << 20), SUMI_OK);
    assert_string_equal(by_call.data, by_template.data);
    buf_deinit(&by_call);
    assert_int_equal(json_text(json, &by_call, limits, 8), SUMI_ELIMIT);
    buf_deinit(&by_call);
    for (int i = 0; i < 1000; i++) deep = json_pack("[o]", deep);
    assert_int_equal(json_text(deep, &by_call, limits, 1 << 20), SUMI_ELIMIT);
    buf_deinit(&by_call);
    buf_deinit(&by_template);
    jinja_template_destroy(t);
    json_decref(vars);
    json_decref(json);
    json_decref(deep);
}

static void variables_come_from_json(void **state)
{
    (void)state;
    expect("{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ f }} {{ g.h[1] }}",
           "{\"a\": null, \"b\": true, \"c\": -9223372036854775808, \"d\": 1.0, \"e\": \"\\u00e9\", \"g\": "
           "{\"h\": [1, \"z\"]}}",
           "None True -9223372036854775808 1.0 \xc3\xa9  z");
    expect("{{ a|length }}", "{\"a\": \"x\\u0000y\"}", "3");
    expect("{{ range }}{{ raise_exception }}", "{\"range\": 1, \"raise_exception\": 2}",
           "12"); /* they win over functions */
}

static void mistakes_name_template_and_line(void **state)
{
    (void)state;
    expect_error("\n{% if n %}", SUMI_EFORMAT, "t: line 2: the template ends where 'elif' is expected");
    expect_error("{{ n | nope }}", SUMI_EFORMAT, "t: line 1: no filter named 'nope'");
    expect_error("{% nope %}", SUMI_EFORMAT, "t: line 1: unknown tag 'nope'");
    expect_error("a\n{% include 'x' %}", SUMI_EFORMAT,
                 "t: line 2: the tag 'include' is not supported in a chat template");
    expect_error("{{ n n }}", SUMI_EFORMAT, "t: line 1: expected '}}', got 'n'");
    expect_error("{% set 1 = 2 %}", SUMI_EFORMAT, "t: line 1: cannot assign to this expression");
    expect_error("\n\n{{ d.x.y }}", SUMI_EINVAL, "t: line 3: 'dict object' has no attribute 'x'");
    expect_error("{{ x.y }}", SUMI_EINVAL, "t: line 1: 'x' is undefined");
    expect_error("{{ s + n }}", SUMI_EINVAL, "t: line 1: unsupported operand type(s) for +: 'str' and 'int'");
    expect_error("{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ m() }}", SUMI_EINVAL, "t: line 2: division by zero");
    expect_error("{{ 9223372036854775807 + 1 }}", SUMI_ELIMIT, "t: line 1: an integer does not fit into 64 bits");
    expect_error("{{ [].append(1) }}", SUMI_EINVAL,
                 "t: line 1: access to attribute 'append' of a list is not safe, so it is refused");
}

static void a_refusal_is_told_in_the_templates_own_words(void **state)
{
    (void)state;
    expect_error("\n{{ raise_exception('Roles must alternate: ' ~ n) }}", SUMI_EINVAL, "Roles must alternate: 1");
}

static void numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    char *before = strdup(setlocale(LC_ALL, NULL));
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) print_message("no German locale here: only the C locale is tried\n");
    expect("{{ 1.5 }} {{ '2.5'|float + 1 }} {{ '%.2f' % 3.14159 }} {{ strftime_now('%B') }}", "{}",
           "1.5 3.5 3.14 January");
    setlocale(LC_ALL, before);
    free(before);
}

/* ---- Limits ---- */

static const char *const greedy[] = {
    "{{ range(10 ** 12) }}",
    "{{ 'x' * 10 ** 12 }}",
    "{{ [1] * 10 ** 12 }}",
    "{{ 'x'|center(10 ** 15) }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '{:999999999999}'.format(1) }}",
    "{{ '%.999999999f' % 1 }}",
    "{% set ns = namespace(s='x') %}{% for i in range(99999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(s=[1]) %}{% for i in range(99999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{{ 'a long text that fills the output' * 1000 }}{% endfor %}",
    "{% set x %}{% for a in range(99999) %}{{ 'a long text that fills a capture' * 1000 }}{% endfor %}{% "
    "endset %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% macro f() %}{% set x %}{{ f() }}{% endset %}{% endmacro %}{{ f() }}",
    "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ "
    "ns.x|tojson }}",
    "{% set ns = namespace(x=[], y=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% set ns.y = "
    "[ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
    "{% set ns = namespace(x=[], y=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% set ns.y = "
    "[ns.y] %}{% endfor %}{{ ns.x < ns.y }}",
    "{% set ns = namespace(x=(1,)) %}{% for i in range(9999) %}{% set ns.x = (ns.x, 1) %}{% endfor %}{{ "
    "{ns.x: 1} }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = ns.x|map('string') %}{% endfor "
    "%}{{ ns.x|list }}",
    "{{ range(0, 90000)|list|map('string')|join('x' * 10000) }}",
    "{{ dict(**dict.fromkeys(range(9000)|map('string'))) }}",
};

static void greedy_templates_end_with_a_limit(void **state)
{
    (void)state;
    jinja_limits limits = jinja_limits_default();
    limits.max_steps = 5000000;
    limits.max_value_bytes = (size_t)32 << 20;
    for (size_t i = 0; i < sizeof greedy / sizeof *greedy; i++) {
        sumi_error err;
        buf out;
        sumi_status status = render_with(greedy[i], "{}", &limits, (size_t)4 << 20, &out, &err);
        buf_deinit(&out);
        if (status != SUMI_ELIMIT) fail_msg("%s: status %d, %s", greedy[i], (int)status, err.message);
        assert_non_null(strstr(err.message, "t: line 1: "));
    }
}

/* A template of n times `open`, then middle, then n times `close`. */
static char *nest(const char *open, const char *middle, const char *close, int n)
{
    buf b;
    buf_init(&b, 1 << 22);
    for (int i = 0; i < n; i++) buf_append_str(&b, open);
    buf_append_str(&b, middle);
    for (int i = 0; i < n; i++) buf_append_str(&b, close);
    return buf_take(&b, NULL);
}

static const struct {
    const char *open, *middle, *close;
} nests[] = {
    { "{{ ", "1", " }}" },
    { "{% if 1 %}", "x", "{% endif %}" },
    { "{% for a in [1] %}", "x", "{% endfor %}" },
    { "{% set x %}", "x", "{% endset %}" },
    { "{% macro m() %}", "x", "{% endmacro %}" },
    { "{% filter upper %}", "x", "{% endfilter %}" },
};

static const struct {
    const char *open, *middle, *close;
} expression_nests[] = {
    { "(", "1", ")" },    { "[", "1", "]" },           { "{1:", "1", "}" },    { "-", "1", "" },
    { "not ", "1", "" },  { "1+", "1", "" },           { "1~", "1", "" },      { "", "x", "|upper" },
    { "", "x", "[0]" },   { "", "x", ".y" },           { "", "x", "(1)" },     { "f(", "1", ")" },
    { "1 if ", "1", "" }, { "1 if 1 else ", "1", "" }, { "", "1", " is odd" }, { "1 or ", "1", "" },
    { "1 < ", "1", "" },  { "x|d(", "1", ")" },        { "x[", "1", "]" },     { "x[1:", "1", "]" },
};

/* Runs on a thread with a small stack: whatever depth a template has, it must not run out of it. */
static void *render_deep_templates(void *arg)
{
    jinja_limits limits = jinja_limits_default();
    size_t n_outer = sizeof nests / sizeof *nests, n_inner = sizeof expression_nests / sizeof *expression_nests;
    (void)arg;
    for (size_t i = 0; i < n_outer + n_inner; i++) {
        for (int n = 50; n <= 20000; n = n < 400 ? n + 7 : n * 7) {
            char *source, *inner = NULL;
            if (i < n_outer) source = nest(nests[i].open, nests[i].middle, nests[i].close, n);
            else {
                inner = nest(expression_nests[i - n_outer].open, expression_nests[i - n_outer].middle,
                             expression_nests[i - n_outer].close, n);
                source = nest("{{ ", inner, " }}", 1);
            }
            sumi_error err;
            buf out;
            (void)!render_with(source, "{}", &limits, 1 << 20, &out, &err); /* any end is fine but a crash */
            buf_deinit(&out);
            free(source);
            free(inner);
        }
    }
    for (size_t i = 0; i < sizeof greedy / sizeof *greedy; i++) {
        sumi_error err;
        buf out;
        limits.max_steps = 300000;
        (void)!render_with(greedy[i], "{}", &limits, (size_t)4 << 20, &out, &err);
        buf_deinit(&out);
    }
    return NULL;
}

static void deep_templates_fit_a_small_stack(void **state)
{
    (void)state;
    pthread_attr_t attr;
    pthread_t thread;
    size_t stack = (size_t)512 << 10;
#ifdef __SANITIZE_THREAD__
    stack *= 2; /* the sanitizer keeps nearly 400 KiB of its own there */
#endif
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, stack), 0);
    assert_int_equal(pthread_create(&thread, &attr, render_deep_templates, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}

static void ordinary_nesting_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof nests / sizeof *nests; i++) {
        jinja_limits limits = jinja_limits_default();
        char *source = nest(nests[i].open, nests[i].middle, nests[i].close, 40);
        sumi_error err;
        buf out;
        if (render_with(source, "{}", &limits, 1 << 20, &out, &err) != SUMI_OK) fail_msg("%s: %s", source, err.message);
        buf_deinit(&out);
        free(source);
    }
    expect("{% macro f(n) %}{{ n }}{{ f(n - 1) if n }}{% endmacro %}{{ f(20) }}", "{}",
           "20191817161514131211109876543210");
}

static void deep_json_is_refused(void **state)
{
    (void)state;
    jinja_limits limits = jinja_limits_default();
    char *vars = nest("{\"x\":", "1", "}", 1500);
    sumi_error err;
    buf out;
    assert_int_equal(render_with("{{ x }}", vars, &limits, 1 << 20, &out, &err), SUMI_ELIMIT);
    buf_deinit(&out);
    assert_int_equal(render_with("{{ y }}", vars, &limits, 1 << 20, &out, &err), SUMI_OK); /* nobody looks at x */
    buf_deinit(&out);
    free(vars);
}

static void the_output_stays_below_its_maximum(void **state)
{
    (void)state;
    jinja_limits limits = jinja_limits_default();
    sumi_error err;
    buf out;
    assert_int_equal(render_with("{{ 'x' * 100 }}", "{}", &limits, 99, &out, &err), SUMI_ELIMIT);
    assert_string_equal(err.message, "t: line 1: the output is longer than 99 bytes");
    buf_deinit(&out);
    assert_int_equal(render_with("{{ 'x' * 99 }}", "{}", &limits, 99, &out, &err), SUMI_OK);
    buf_deinit(&out);
}

/* Memory that ends at any point of a rendering ends it cleanly. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    static const char source[] =
        "{% macro m(a, b=[1, 2]) %}{{ a ~ b }}{{ varargs }}{{ kwargs }}{{ caller() if caller }}{% endmacro %}"
        "{% call m('x', 1, 2, k={'a': 1}) %}{% for c in 'héé' if c != 'x' %}{{ loop.nextitem }}{{ c }}{% "
        "endfor %}{% endcall %}"
        "{% set ns = namespace(l=[], s='') %}{% for i in range(20) %}{% set ns.l = ns.l + [i] %}{% set ns.s "
        "= ns.s ~ i %}{% endfor %}"
        "{{ ns.l|map('string')|join(',')|upper|replace('1', 'é')|tojson(indent=2) }}{{ d|dictsort }}{{ "
        "d|tojson }}{{ ns }}"
        "{{ '%s %5.1f' % (ns.s, 2.5) }}{{ '{} {:>9}'.format(1, ns.s) }}{{ ns.l|groupby(0)|list|length if 0 }}"
        "{% set q %}{{ d.items()|list|sort|first }}{% endset %}{{ q|title|trim|indent }}{{ ns.l|batch(3, "
        "0)|list|unique|length if 0 }}"
        "{{ ' a b '.split() }}{{ ns.l[::-2] }}{{ dict(a=1, **{'b': 2}) }}{{ strftime_now('%Y') }}{{ "
        "q.partition('a') }}";
    jinja_template *t;
    sumi_error err;
    size_t n_failed = 0;
    json_t *vars = json_loads("{\"d\": {\"b\": [1, 2.5, null], \"a\": {\"x\": \"y\"}}}", 0, NULL);
    assert_int_equal(jinja_template_compile(&t, source, strlen(source), "t", &err), SUMI_OK);
    for (size_t max = 0; max < 400000; max += 256) {
        jinja_limits limits = jinja_limits_default();
        limits.max_value_bytes = max;
        buf out;
        buf_init(&out, 1 << 20);
        sumi_status status = jinja_template_render(t, vars, &limits, 0, &out, &err);
        buf_deinit(&out);
        assert_true(status == SUMI_OK || status == SUMI_ELIMIT);
        n_failed += status != SUMI_OK;
        for (size_t steps = 0; max == 0 && steps < 4000; steps++) { /* and steps that end anywhere */
            limits = jinja_limits_default();
            limits.max_steps = steps;
            buf_init(&out, 1 << 20);
            status = jinja_template_render(t, vars, &limits, 0, &out, &err);
            buf_deinit(&out);
            assert_true(status == SUMI_OK || status == SUMI_ELIMIT);
        }
    }
    assert_in_range(n_failed, 100, 1400); /* the sweep begins below what is needed and ends above */
    json_decref(vars);
    jinja_template_destroy(t);
}

/* ---- Threads, speed ---- */

static void *render_often(void *arg)
{
    const jinja_template *t = arg;
    for (int i = 0; i < 300; i++) {
        jinja_limits limits = jinja_limits_default();
        sumi_error err;
        buf out;
        json_t *vars = json_pack("{s:i, s:s}", "n", i, "s", "text");
        buf_init(&out, 1 << 20);
        if (jinja_template_render(t, vars, &limits, 0, &out, &err) != SUMI_OK) return arg;
        char want[64];
        snprintf(want, sizeof want, "%d TEXTx%d012", i, i + 1);
        bool ok = out.n == strlen(want) && !memcmp(out.data, want, out.n);
        buf_deinit(&out);
        json_decref(vars);
        if (!ok) return arg;
    }
    return NULL;
}

static void threads_share_a_template(void **state)
{
    (void)state;
    static const char source[] =
        "{% set s = s|upper + 'x' %}{{ n }} {{ s ~ (n + 1) }}{% for i in range(3) %}{{ i }}{% endfor %}";
    jinja_template *t;
    sumi_error err;
    pthread_t threads[4];
    assert_int_equal(jinja_template_compile(&t, source, strlen(source), "t", &err), SUMI_OK);
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, render_often, t), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    jinja_template_destroy(t);
}

/* Steps count work on bytes too, so that they show what a clock would, on any machine. */
static void building_text_in_a_loop_is_linear(void **state)
{
    (void)state;
    static const char source[] = "{% set ns = namespace(t='', l=[]) %}{% for i in range(n) %}{% set ns.t = "
                                 "ns.t + 'some text of a message ' ~ i %}"
                                 "{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.l|length }}";
    char vars[32];
    jinja_limits limits = jinja_limits_default();
    for (int n = 1000; n <= 64000; n *= 8) {
        sumi_error err;
        buf out;
        snprintf(vars, sizeof vars, "{\"n\": %d}", n);
        limits.max_steps = (uint64_t)n * 60;
        limits.max_value_bytes = (size_t)n * 1000 + 65536;
        if (render_with(source, vars, &limits, 1 << 20, &out, &err) != SUMI_OK) fail_msg("n = %d: %s", n, err.message);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_written_as_by_tojson),
        cmocka_unit_test(variables_come_from_json),
        cmocka_unit_test(mistakes_name_template_and_line),
        cmocka_unit_test(a_refusal_is_told_in_the_templates_own_words),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(greedy_templates_end_with_a_limit),
        cmocka_unit_test(deep_templates_fit_a_small_stack),
        cmocka_unit_test(ordinary_nesting_is_allowed),
        cmocka_unit_test(deep_json_is_refused),
        cmocka_unit_test(the_output_stays_below_its_maximum),
        cmocka_unit_test(memory_may_end_anywhere),
        cmocka_unit_test(threads_share_a_template),
        cmocka_unit_test(building_text_in_a_loop_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
