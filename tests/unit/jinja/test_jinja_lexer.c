/* test_jinja_lexer.c - templates to tokens; expectations are worked by hand from Jinja's documentation of whitespace
 * control. Whole templates are compared with Jinja itself in tests/golden/test_templates.c. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "jinja/parse/jinja_lexer.h"
#include "test_support.h"

/* All tokens of source as one line: "text:a {{ name:x }}"; an error as its message. */
static char *lex(const char *source, sumi_status *status, int32_t *last_line)
{
    jinja_arena arena;
    jinja_lexer *lx = malloc(sizeof *lx);
    jinja_token tok = { .kind = TOKEN_DATA };
    sumi_error err = { 0 };
    buf out;
    jinja_arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 20);
    *status = jinja_lexer_init(lx, &arena, source, strlen(source), "t", &err);
    while (*status == SUMI_OK && tok.kind != TOKEN_END) {
        *status = jinja_lexer_next(lx, &tok);
        if (*status != SUMI_OK || tok.kind == TOKEN_END) break;
        if (out.n) buf_append_char(&out, ' ');
        buf_append_str(&out, jinja_token_text(tok.kind));
        if (tok.kind == TOKEN_DATA || tok.kind == TOKEN_NAME || tok.kind == TOKEN_STRING)
            buf_printf(&out, ":%.*s", (int)tok.n_bytes, tok.text);
        if (tok.kind == TOKEN_INTEGER) buf_printf(&out, ":%lld", (long long)tok.integer);
        if (tok.kind == TOKEN_FLOAT) buf_printf(&out, ":%g", tok.number);
        *last_line = tok.line;
    }
    if (*status != SUMI_OK) {
        out.n = 0;
        buf_append_str(&out, err.message);
    }
    jinja_arena_deinit(&arena);
    free(lx);
    return buf_take(&out, NULL);
}

static void expect(const char *source, const char *want)
{
    sumi_status status;
    int32_t line = 0;
    char *got = lex(source, &status, &line);
    if (strcmp(got, want)) fail_msg("%s\n  expected %s\n  got      %s", source, want, got);
    free(got);
}

static void tags_become_tokens(void **state)
{
    (void)state;
    expect("", "");
    expect("plain", "text:plain");
    expect("a{{ x.y }}b", "text:a {{ name:x . name:y }} text:b");
    expect("{% if x == 'y' %}", "{% name:if name:x == string:y %}");
    expect("{{ 1 + 2.5e1 ** 0x1f // 1_000 }}", "{{ integer:1 + float:25 ** integer:31 // integer:1000 }}");
    expect("{{ {'a': (1, [2])}}}", "{{ { string:a : ( integer:1 , [ integer:2 ] ) } }}");
    expect("{{ x.1.5 }}", "{{ name:x . integer:1 . integer:5 }}");
    expect("{{ '\\x41\\u00e9\\n\\q' }}", "{{ string:A\xc3\xa9\n\\q }}");
    expect("{# {{ not a tag }} #}x", "text:x");
    expect("{% raw %}{{ x }}{% endraw %}", "text:{{ x }}");
    expect("{a} %} }} #}", "text:{a} %} }} #}");
}

static void white_space_is_controlled(void **state)
{
    (void)state;
    expect("a \n{{- x -}}\n b", "text:a {{ name:x }} text:b");
    expect("a\n  {% x %}\n  b", "text:a\n {% name:x %} text:  b");   /* lstrip_blocks, trim_blocks */
    expect("a\n  {%+ x +%}\nb", "text:a\n   {% name:x %} text:\nb"); /* and how to switch them off */
    expect("a  {% x %}b", "text:a   {% name:x %} text:b");           /* not at the start of a line */
    expect("  {{ x }}\nb", "text:   {{ name:x }} text:\nb");         /* variables are left alone */
    expect("  {# c #}\nb", "text:b");
    expect("a\r\nb\rc\n", "text:a\nb\nc"); /* one newline at the end goes */
    expect("a\n\n", "text:a\n");
    expect("{% raw %}\n x {%- endraw %}\n y", "text:\n x text: y");
}

static void mistakes_name_template_and_line(void **state)
{
    (void)state;
    expect("a\n{{ 'b }}", "t: line 2: a string never ends");
    expect("\n\n{# x", "t: line 3: a comment never ends");
    expect("{% raw %}\nx", "t: line 1: a raw block never ends");
    expect("{{ (] }}", "t: line 1: unexpected ']'");
    expect("{{\n! }}", "t: line 2: unexpected character '!'");
    expect("{{ 9223372036854775808 }}", "t: line 1: a number does not fit into 64 bits");
    expect("{{ '\\u12' }}", "t: line 1: a string holds a bad escape");
    expect("{{ '\\ud800' }}", "t: line 1: a string holds a bad escape");
    expect("\xff", "t: is not UTF-8 text");
}

static void lines_are_counted_through_everything(void **state)
{
    (void)state;
    sumi_status status;
    int32_t line = 0;
    free(lex("a\n{# \n\n #}\n{% raw %}\n{% endraw %}\n{{-\n'x\ny' }}{{ z }}", &status, &line));
    assert_int_equal(status, SUMI_OK);
    assert_int_equal(line, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_become_tokens),
        cmocka_unit_test(white_space_is_controlled),
        cmocka_unit_test(mistakes_name_template_and_line),
        cmocka_unit_test(lines_are_counted_through_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
