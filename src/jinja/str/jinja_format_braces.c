/* jinja_format_braces.c - "{}".format(values); see jinja_format.h. The grammar is that of the Python library reference,
 * "Format String Syntax" and "Format Specification Mini-Language". */
#include <string.h>

#include "jinja/str/jinja_format.h"
#include "jinja/str/jinja_format_spec.h"
#include "jinja/str/jinja_unicode.h"

typedef struct braces {
    jinja_sb sb;
    const jinja_args *args;
    bool markup;  /* the format is: then values that are not are escaped */
    int32_t next; /* automatic numbering; -1: fields are numbered by hand */
    int32_t depth;
} braces;

/* [[fill]align][sign][z][#][0][width][grouping][.precision][type] */
static bool read_spec(jinja *j, const jinja_str *text, bool number, jinja_spec *f)
{
    const char *p = text->data, *end = p + text->n;
    bool filled = false;
    *f = (jinja_spec){ .fill = ' ', .width = -1, .precision = -1 };
    if (p < end) {
        const char *q = p;
        int32_t c = jinja_decode(&q);
        if (q < end && *q && strchr("<>^=", *q)) {
            f->fill = c;
            f->align = *q;
            p = q + 1;
            filled = true;
        } else if (*p && strchr("<>^=", *p)) f->align = *p++;
    }
    if (p < end && *p && strchr("+- ", *p)) f->sign = *p++;
    if (p < end && *p == 'z') f->no_negative_zero = true, p++;
    if (p < end && *p == '#') f->alt = true, p++;
    if (p < end && *p == '0' && !filled) {
        f->fill = '0';
        if (!f->align && number) f->align = '=';
        p++;
    }
    if (p < end && *p >= '0' && *p <= '9') {
        f->width = 0;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            if (f->width < INT32_MAX) f->width = f->width * 10 + (*p - '0');
    }
    if (p < end && (*p == ',' || *p == '_')) f->group = *p++;
    if (p < end && *p == '.') {
        const char *digits = ++p;
        f->precision = 0;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            if (f->precision < INT32_MAX) f->precision = f->precision * 10 + (*p - '0');
        if (p == digits) return jinja_type_error(j, "format specifier missing precision");
    }
    if (p < end) f->type = *p++;
    return p == end || jinja_type_error(j, "invalid format specifier");
}

/* Refuses the combinations that Python refuses. type: the type, or its default. */
static bool check_spec(jinja *j, const jinja_spec *f, char type, bool is_str)
{
    bool under_four = f->group == '_' && type && strchr("boxX", type);
    if (f->group && !under_four && type && !strchr("deEfFgG%", type))
        return jinja_type_error(j, "cannot specify '%c' with '%c'", f->group, type);
    bool is_int = type && strchr("bcdoxXn", type), odd = f->sign || f->alt || f->no_negative_zero;
    if (is_str && (odd || f->align == '='))
        return jinja_type_error(j, "a sign, '#', 'z' or '=' in a format specifier for a string");
    if (!is_str && type == 'c' && (f->sign || f->alt))
        return jinja_type_error(j, "a sign or '#' with the format specifier 'c'");
    if (!is_str && is_int && f->no_negative_zero)
        return jinja_type_error(j, "'z' in a format specifier for an integer");
    return true;
}

static bool put_braces(jinja_sb *sb, jinja_value v, const jinja_str *text)
{
    jinja_spec f;
    jinja *j = sb->j;
    int64_t i = 0;
    bool number = jinja_is_number(v), is_str = v.kind == JINJA_STR, is_int = jinja_as_int(v, &i);
    if (text->n == 0 || (!number && !is_str)) {
        if (text->n) return jinja_type_error(j, "unsupported format string passed to %s", jinja_type_name(v));
        jinja_sb_add_str(sb, jinja_to_str(j, v));
        return !sb->failed;
    }
    if (!read_spec(j, text, number, &f)) return false;
    char type = f.type ? f.type : is_str ? 's' : is_int ? 'd' : '\0';
    bool known = is_str ? type == 's' : !type || strchr(is_int ? "bcdoxXneEfFgG%" : "neEfFgG%", type);
    if (!check_spec(j, &f, type, is_str)) return false;
    if (!known)
        return jinja_type_error(j, "unknown format code '%c' for object of type '%s'", type, jinja_type_name(v));
    if (is_str) {
        jinja_put_text(sb, f, v.s, '<');
        return !sb->failed;
    }
    f.type = type;
    if (!is_int || strchr("eEfFgG%", type)) {
        if (type == 'n') f.type = 'g';
        return jinja_put_float(sb, f, jinja_as_double(v));
    }
    if (f.precision >= 0) return jinja_type_error(j, "precision not allowed in integer format specifier");
    return type == 'c' ? jinja_put_char(sb, f, i) : jinja_put_int(sb, f, i);
}

static bool all_digits(const char *p, const char *end)
{
    for (const char *q = p; q < end; q++)
        if (*q < '0' || *q > '9') return false;
    return p < end && end - p < 10;
}

static int32_t number_of(const char *p, const char *end)
{
    int32_t n = 0;
    for (; p < end; p++) n = n * 10 + (*p - '0');
    return n;
}

/* The value of the first part of a field: a number, nothing, or the name of a keyword argument. */
static bool field_base(braces *b, const char *p, const char *end, jinja_value *v)
{
    if (p == end || all_digits(p, end)) {
        int32_t at = p == end ? b->next++ : number_of(p, end);
        if (p == end ? at < 0 : b->next > 0)
            return jinja_type_error(b->sb.j, "cannot mix manual and automatic field numbering");
        if (p < end) b->next = INT32_MIN;
        if (at >= b->args->n_pos)
            return jinja_type_error(b->sb.j, "replacement index %d out of range for positional args", (int)at);
        *v = b->args->pos[at];
        return true;
    }
    for (int32_t k = 0; k < b->args->n_named; k++) {
        const jinja_str *name = b->args->names[k];
        if (name->n != (size_t)(end - p) || memcmp(name->data, p, name->n)) continue;
        *v = b->args->named[k];
        return true;
    }
    return jinja_type_error(b->sb.j, "the format has no argument '%.*s'", (int)(end - p > 100 ? 100 : end - p), p);
}

/* "name.attr[item]" */
static bool field_value(braces *b, const char *p, const char *end, jinja_value *v)
{
    const char *stop = p;
    while (stop < end && *stop != '.' && *stop != '[') stop++;
    if (!field_base(b, p, stop, v)) return false;
    for (p = stop; p < end; p = stop) {
        bool item = *p++ == '[';
        stop = p;
        while (stop < end && (item ? *stop != ']' : *stop != '.' && *stop != '[')) stop++;
        if ((item && stop == end) || stop == p) return jinja_type_error(b->sb.j, "bad field in a format string");
        const jinja_str *name = jinja_str_copy(b->sb.j, p, (size_t)(stop - p));
        if (!name) return false;
        jinja_value key = item && all_digits(p, stop) ? jinja_int(number_of(p, stop)) : jinja_of_str(name);
        if (item ? !jinja_get_item(b->sb.j, *v, key, v) : !jinja_get_attr(b->sb.j, *v, name, v)) return false;
        stop += item;
    }
    return true;
}

static bool put_fields(braces *b, const char *p, const char *end);

/* One field without its braces: "value!conversion:spec". The spec may hold fields itself. */
static bool put_field(braces *b, const char *p, const char *end)
{
    jinja *j = b->sb.j;
    const char *stop = p;
    char conversion = 0;
    for (bool item = false; stop < end && (item || (*stop != '!' && *stop != ':')); stop++)
        item = *stop == '[' || (item && *stop != ']');
    jinja_value v;
    if (!field_value(b, p, stop, &v)) return false;
    if (stop < end && *stop == '!') {
        if (end - stop < 2 || !strchr("rsa", stop[1]) || (stop + 2 < end && stop[2] != ':'))
            return jinja_type_error(j, "bad conversion in a format string");
        conversion = stop[1];
        stop += 2;
    }
    braces inner = { .sb = { .j = j }, .args = b->args, .markup = b->markup, .next = b->next, .depth = b->depth + 1 };
    if (stop < end && !put_fields(&inner, stop + 1, end)) return false;
    b->next = inner.next;
    const jinja_str *spec_text = jinja_sb_str(&inner.sb), *s = conversion ? jinja_convert(j, v, conversion) : NULL;
    if (!spec_text || (conversion && !s)) return false;
    if (conversion) v = jinja_of_str(s);
    if (!b->markup) return put_braces(&b->sb, v, spec_text);
    bool is_markup = v.kind == JINJA_STR && v.flag & JINJA_MARKUP;
    if (is_markup && spec_text->n) return jinja_type_error(j, "unsupported format specification for Markup");
    jinja_sb plain = { .j = j };
    if (!put_braces(&plain, v, spec_text) || !(s = jinja_sb_str(&plain))) return false;
    if (!is_markup && !(s = jinja_escape(j, s))) return false;
    jinja_sb_add_str(&b->sb, s);
    return !b->sb.failed;
}

static bool put_fields(braces *b, const char *p, const char *end)
{
    if (b->depth > 2) return jinja_type_error(b->sb.j, "max string recursion exceeded");
    while (p < end) {
        const char *from = p;
        while (p < end && *p != '{' && *p != '}') p++;
        jinja_sb_add(&b->sb, from, (size_t)(p - from));
        if (p == end) break;
        if (p + 1 < end && p[1] == p[0]) {
            jinja_sb_add(&b->sb, p, 1);
            p += 2;
            continue;
        }
        if (*p == '}') return jinja_type_error(b->sb.j, "single '}' encountered in format string");
        int depth = 1;
        for (from = ++p; p < end && depth; p++) depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
        if (depth) return jinja_type_error(b->sb.j, "expected '}' before end of string");
        if (!put_field(b, from, p - 1)) return false;
    }
    return !b->sb.failed;
}

bool jinja_format_braces(jinja *j, jinja_value format, const jinja_args *args, jinja_value *out)
{
    braces b = { .sb = { .j = j }, .args = args, .markup = format.flag & JINJA_MARKUP };
    if (!put_fields(&b, format.s->data, format.s->data + format.s->n)) return false;
    const jinja_str *s = jinja_sb_str(&b.sb);
    if (s) *out = (jinja_value){ .kind = JINJA_STR, .flag = format.flag, .s = s };
    return s != NULL;
}
