/* jinja_format.c - "%s" % values, and HTML escapes; see jinja_format.h. The grammar is that of the Python library
 * reference, "printf-style String Formatting". */
#include "jinja/str/jinja_format.h"

#include <math.h>
#include <string.h>

#include "jinja/str/jinja_format_spec.h"

#include "jinja/str/jinja_unicode.h"

const jinja_str *jinja_escape(jinja *j, const jinja_str *s)
{
    jinja_sb sb = { .j = j };
    const char *plain = s->data, *end = s->data + s->n;
    for (const char *p = plain; p < end; p++) {
        const char *entity = *p == '&'    ? "&amp;"
                             : *p == '<'  ? "&lt;"
                             : *p == '>'  ? "&gt;"
                             : *p == '\'' ? "&#39;"
                             : *p == '"'  ? "&#34;"
                                          : NULL;
        if (!entity) continue;
        jinja_sb_add(&sb, plain, (size_t)(p - plain));
        jinja_sb_add_text(&sb, entity);
        plain = p + 1;
    }
    if (plain == s->data) return s;
    jinja_sb_add(&sb, plain, (size_t)(end - plain));
    return jinja_sb_str(&sb);
}

const jinja_str *jinja_escape_value(jinja *j, jinja_value v)
{
    const jinja_str *s = jinja_to_str(j, v);
    return !s || (v.kind == JINJA_STR && v.flag & JINJA_MARKUP) ? s : jinja_escape(j, s);
}

/* ---- "%s" % values ---- */

typedef struct percent {
    jinja_sb sb;
    jinja_value values;
    size_t next;
    bool markup, used_key;
} percent;

static bool next_value(percent *c, jinja_value *v)
{
    bool tuple = c->values.kind == JINJA_TUPLE;
    if (tuple ? c->next >= c->values.list->n : c->next > 0)
        return jinja_type_error(c->sb.j, "not enough arguments for format string");
    *v = tuple ? c->values.list->items[c->next] : c->values;
    c->next++;
    return true;
}

static bool take_number(percent *c, const char **p, const char *end, int64_t *out)
{
    if (*p < end && **p == '*') {
        jinja_value v;
        (*p)++;
        if (!next_value(c, &v)) return false;
        return jinja_as_int(v, out) || jinja_type_error(c->sb.j, "* wants int");
    }
    *out = 0;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++)
        if (*out < INT32_MAX) *out = *out * 10 + (**p - '0');
    return true;
}

static bool put_percent(percent *c, jinja_spec f, jinja_value v)
{
    int64_t i;
    switch (f.type) {
    case 's':
    case 'r':
    case 'a': {
        const jinja_str *s = jinja_convert(c->sb.j, v, f.type);
        if (s && c->markup && !(v.kind == JINJA_STR && v.flag & JINJA_MARKUP)) s = jinja_escape(c->sb.j, s);
        if (s) jinja_put_text(&c->sb, f, s, '>');
        return s && !c->sb.failed;
    }
    case 'd':
    case 'i':
    case 'u':
        f.type = 'd';
        if (v.kind == JINJA_FLOAT && fabs(v.f) < 0x1p63) return jinja_put_int(&c->sb, f, (int64_t)v.f);
        if (v.kind == JINJA_FLOAT) return jinja_fail(c->sb.j, SUMI_ELIMIT, "an integer does not fit into 64 bits");
        break;
    case 'x':
    case 'X':
    case 'o': break;
    case 'c':
        if (v.kind == JINJA_STR && v.s->n_chars == 1) {
            f.precision = -1;
            jinja_put_text(&c->sb, f, v.s, '>');
            return !c->sb.failed;
        }
        return jinja_as_int(v, &i) ? jinja_put_char(&c->sb, f, i)
                                   : jinja_type_error(c->sb.j, "%%c requires int or char");
    default:
        if (!f.type || !strchr("eEfFgG", f.type))
            return jinja_type_error(c->sb.j, "unsupported format character '%c'", f.type);
        if (!jinja_is_number(v)) return jinja_type_error(c->sb.j, "must be real number, not %s", jinja_type_name(v));
        return jinja_put_float(&c->sb, f, jinja_as_double(v));
    }
    if (!jinja_as_int(v, &i))
        return jinja_type_error(c->sb.j, "%%%c format: a real number is required, not %s", f.type, jinja_type_name(v));
    return jinja_put_int(&c->sb, f, i);
}

/* One "%..."; *p is after the percent sign. */
static bool one_percent(percent *c, const char **p, const char *end)
{
    jinja_spec f = { .fill = ' ', .width = -1, .precision = -1 };
    jinja_value v = jinja_missing();
    bool zero = false;
    if (*p < end && **p == '%') { /* with flags in between it would be an unknown conversion */
        jinja_sb_add(&c->sb, (*p)++, 1);
        return true;
    }
    if (*p < end && **p == '(') {
        const char *close = memchr(*p, ')', (size_t)(end - *p));
        if (!close) return jinja_type_error(c->sb.j, "incomplete format key");
        if (c->values.kind != JINJA_DICT) return jinja_type_error(c->sb.j, "format requires a mapping");
        const jinja_str *key = jinja_str_copy(c->sb.j, *p + 1, (size_t)(close - *p - 1));
        jinja_value *found = key ? jinja_dict_find_str(c->sb.j, c->values.dict, key) : NULL;
        if (!found) return jinja_type_error(c->sb.j, "a format key is not in the mapping");
        v = *found;
        c->used_key = true;
        *p = close + 1;
    }
    for (; *p < end && strchr("-+ 0#", **p); (*p)++) {
        if (**p == '-') f.align = '<';
        else if (**p == '+') f.sign = '+';
        else if (**p == ' ' && !f.sign) f.sign = ' ';
        else if (**p == '0') zero = true;
        else if (**p == '#') f.alt = true;
    }
    if (!take_number(c, p, end, &f.width)) return false;
    if (f.width < 0) {
        f.align = '<';
        f.width = f.width < -INT32_MAX ? INT32_MAX : -f.width;
    }
    if (*p < end && **p == '.') {
        (*p)++;
        if (!take_number(c, p, end, &f.precision)) return false;
        if (f.precision < 0) f.precision = 0;
    }
    while (*p < end && **p && strchr("hlL", **p)) (*p)++;
    if (*p == end) return jinja_type_error(c->sb.j, "incomplete format");
    f.type = *(*p)++;
    if (zero && f.align != '<' && !strchr("srac", f.type)) {
        f.fill = '0';
        f.align = '=';
    }
    if (v.kind == JINJA_MISSING && !next_value(c, &v)) return false;
    return put_percent(c, f, v);
}

bool jinja_format_percent(jinja *j, jinja_value format, jinja_value values, jinja_value *out)
{
    percent c = { .sb = { .j = j }, .values = values, .markup = format.flag & JINJA_MARKUP };
    const char *p = format.s->data, *end = p + format.s->n;
    while (p < end) {
        const char *sign = memchr(p, '%', (size_t)(end - p));
        jinja_sb_add(&c.sb, p, (size_t)((sign ? sign : end) - p));
        if (!sign) break;
        p = sign + 1;
        if (!one_percent(&c, &p, end)) return false;
    }
    /* whatever could be asked for items might be a mapping whose keys the format does not name */
    bool mapping = values.kind == JINJA_DICT || values.kind == JINJA_LIST || values.kind == JINJA_RANGE ||
                   values.kind == JINJA_UNDEFINED;
    size_t given = values.kind == JINJA_TUPLE ? values.list->n : mapping ? 0 : 1;
    if (c.next < given && !c.used_key)
        return jinja_type_error(j, "not all arguments converted during string formatting");
    const jinja_str *s = jinja_sb_str(&c.sb);
    if (s) *out = jinja_of_str(s);
    out->flag = c.markup ? JINJA_MARKUP : 0;
    return s != NULL;
}
