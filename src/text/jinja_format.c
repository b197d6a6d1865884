/* jinja_format.c - see jinja_format.h. The grammar is that of the Python library reference: "printf-style String
 * Formatting" and "Format Specification Mini-Language". */
#include "text/jinja_format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/jinja_unicode.h"

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

/* What both ways ask of one value. */
typedef struct spec {
    int32_t fill;             /* a character */
    char align;               /* < > ^ =, 0: the default of the type */
    char sign;                /* + or a blank, else 0 */
    bool alt, zero;           /* # and 0 */
    char group;               /* , or _ between thousands, else 0 */
    int64_t width, precision; /* -1: none */
    char type;                /* 0: none */
} spec;

#define MAX_PRECISION 1000 /* digits; a double has 767 at most */

static void pad(jinja_sb *sb, const spec *f, const char *sign, const char *body, size_t n, size_t n_chars)
{
    size_t sign_n = strlen(sign);
    int64_t room = f->width - (int64_t)(n_chars + sign_n);
    if (room < 0) room = 0;
    int64_t left = f->align == '<' ? 0 : f->align == '^' ? room / 2 : room;
    if (f->align == '=') jinja_sb_add(sb, sign, sign_n);
    jinja_sb_repeat(sb, f->fill, left);
    if (f->align != '=') jinja_sb_add(sb, sign, sign_n);
    jinja_sb_add(sb, body, n);
    jinja_sb_repeat(sb, f->fill, room - left);
}

static void pad_text(jinja_sb *sb, spec f, const jinja_str *s, char default_align)
{
    size_t n = s->n, n_chars = s->n_chars;
    if (f.precision >= 0 && (uint64_t)f.precision < n_chars) {
        n_chars = (size_t)f.precision;
        n = jinja_str_offset(s, n_chars);
    }
    if (!f.align) f.align = default_align;
    pad(sb, &f, "", s->data, n, n_chars);
}

/* Puts the group character between thousands of the digits at the front of text. */
static void group_thousands(char *text, char group)
{
    size_t n = strspn(text, "0123456789");
    for (size_t at = n; at > 3;) {
        at -= 3;
        memmove(text + at + 1, text + at, strlen(text + at) + 1);
        text[at] = group;
    }
}

static void digits_of(uint64_t v, int base, bool upper, char out[72])
{
    char back[72];
    int n = 0;
    do back[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[v % (uint64_t)base];
    while (v /= (uint64_t)base);
    for (int i = 0; i < n; i++) out[i] = back[n - 1 - i];
    out[n] = '\0';
}

static bool put_int(jinja_sb *sb, spec f, int64_t i)
{
    char body[160], sign[8] = "";
    int base = f.type == 'x' || f.type == 'X' ? 16 : f.type == 'o' ? 8 : f.type == 'b' ? 2 : 10;
    digits_of(i < 0 ? -(uint64_t)i : (uint64_t)i, base, f.type == 'X', body);
    if (f.precision >= 0) { /* only "%.3d" has one: at least so many digits */
        size_t n = strlen(body), want = f.precision > 60 ? 60 : (size_t)f.precision;
        if (want > n) {
            memmove(body + want - n, body, n + 1);
            memset(body, '0', want - n);
        }
    }
    if (f.group) group_thousands(body, f.group);
    snprintf(sign, sizeof sign, "%s", i < 0 ? "-" : f.sign == '+' ? "+" : f.sign ? " " : "");
    if (f.alt && base != 10) {
        char prefix[] = { '0', f.type, '\0' };
        strcat(sign, prefix);
    }
    if (!f.align) f.align = f.zero ? '=' : '>';
    pad(sb, &f, sign, body, strlen(body), strlen(body));
    return !sb->failed;
}

static bool put_float(jinja_sb *sb, spec f, double v)
{
    char body[MAX_PRECISION + 400 + 110], format[16];
    bool percent = f.type == '%';
    if (f.precision > MAX_PRECISION)
        return jinja_fail(sb->j, SUMI_ELIMIT, "a format precision over %d", MAX_PRECISION);
    if (!f.type && f.precision < 0) jinja_float_repr(fabs(v), body);
    else {
        char type = percent ? 'f' : f.type ? f.type : 'g';
        snprintf(format, sizeof format, f.alt ? "%%#.*%c" : "%%.*%c", type);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(body, sizeof body - 110, format, f.precision < 0 ? 6 : (int)f.precision,
                 fabs(percent ? v * 100 : v));
#pragma GCC diagnostic pop
    }
    if (!f.type && f.precision >= 0 && !strpbrk(body, ".en")) strcat(body, ".0");
    if (f.group) group_thousands(body, f.group);
    if (percent) strcat(body, "%");
    const char *sign = signbit(v) && !isnan(v) ? "-" : f.sign == '+' ? "+" : f.sign ? " " : "";
    if (!f.align) f.align = f.zero ? '=' : '>';
    pad(sb, &f, sign, body, strlen(body), strlen(body));
    return !sb->failed;
}

static bool put_char(jinja_sb *sb, spec f, int64_t c)
{
    char text[4];
    if (c < 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return jinja_type_error(sb->j, "%%c arg not in range");
    pad(sb, &f, "", text, utf8_encode((uint32_t)c, text), 1);
    return !sb->failed;
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

static bool put_percent(percent *c, spec f, jinja_value v)
{
    int64_t i;
    switch (f.type) {
    case 's':
    case 'r':
    case 'a': {
        jinja_sb repr = { .j = c->sb.j };
        if (f.type != 's') jinja_repr(&repr, v);
        const jinja_str *s = f.type == 's' ? jinja_to_str(c->sb.j, v) : jinja_sb_str(&repr);
        if (s && c->markup && !(v.kind == JINJA_STR && v.flag & JINJA_MARKUP)) s = jinja_escape(c->sb.j, s);
        if (s) pad_text(&c->sb, f, s, '>');
        return s && !c->sb.failed;
    }
    case 'd':
    case 'i':
    case 'u':
        f.type = 'd';
        if (v.kind == JINJA_FLOAT && fabs(v.f) < 0x1p63) return put_int(&c->sb, f, (int64_t)v.f);
        if (v.kind == JINJA_FLOAT)
            return jinja_fail(c->sb.j, SUMI_ELIMIT, "an integer does not fit into 64 bits");
        break;
    case 'x':
    case 'X':
    case 'o': break;
    case 'c':
        if (v.kind == JINJA_STR && v.s->n_chars == 1) {
            pad_text(&c->sb, f, v.s, '>');
            return !c->sb.failed;
        }
        return jinja_as_int(v, &i) ? put_char(&c->sb, f, i)
                                   : jinja_type_error(c->sb.j, "%%c requires int or char");
    default:
        if (!f.type || !strchr("eEfFgG", f.type))
            return jinja_type_error(c->sb.j, "unsupported format character '%c'", f.type);
        if (!jinja_is_number(v))
            return jinja_type_error(c->sb.j, "must be real number, not %s", jinja_type_name(v));
        return put_float(&c->sb, f, jinja_as_double(v));
    }
    if (!jinja_as_int(v, &i))
        return jinja_type_error(c->sb.j, "%%%c format: a real number is required, not %s", f.type,
                                jinja_type_name(v));
    return put_int(&c->sb, f, i);
}

/* One "%..." at *p, which stands behind the percent sign. */
static bool one_percent(percent *c, const char **p, const char *end)
{
    spec f = { .fill = ' ', .width = -1, .precision = -1 };
    jinja_value v = jinja_missing();
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
        else if (**p == '0') f.zero = true;
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
    if (f.type == '%') {
        jinja_sb_add(&c->sb, "%", 1);
        return true;
    }
    if (f.zero && f.align != '<' && !strchr("sra", f.type)) f.fill = '0';
    if (f.zero && f.align == '<') f.zero = false;
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

/* ---- "{}".format(values) ---- */

typedef struct braces {
    jinja_sb sb;
    const jinja_args *args;
    int32_t next; /* automatic numbering; -1: fields are numbered by hand */
    int32_t depth;
} braces;

/* [[fill]align][sign][#][0][width][grouping][.precision][type] */
static bool read_spec(jinja *j, const jinja_str *text, spec *f)
{
    const char *p = text->data, *end = p + text->n;
    *f = (spec){ .fill = ' ', .width = -1, .precision = -1 };
    if (p < end) {
        const char *q = p;
        int32_t c = jinja_decode(&q);
        if (q < end && strchr("<>^=", *q)) {
            f->fill = c;
            f->align = *q;
            p = q + 1;
        } else if (strchr("<>^=", *p)) f->align = *p++;
    }
    if (p < end && strchr("+- ", *p)) f->sign = *p == '-' ? (char)(p++, 0) : *p++;
    if (p < end && *p == '#') f->alt = true, p++;
    if (p < end && *p == '0') {
        f->zero = true;
        if (!f->align) f->fill = '0';
    }
    if (p < end && *p >= '0' && *p <= '9') {
        f->width = 0;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            if (f->width < INT32_MAX) f->width = f->width * 10 + (*p - '0');
    }
    if (p < end && (*p == ',' || *p == '_')) f->group = *p++;
    if (p < end && *p == '.') {
        f->precision = 0;
        for (p++; p < end && *p >= '0' && *p <= '9'; p++)
            if (f->precision < INT32_MAX) f->precision = f->precision * 10 + (*p - '0');
    }
    if (p < end) f->type = *p++;
    return p == end || jinja_type_error(j, "invalid format specifier");
}

static bool put_braces(jinja_sb *sb, jinja_value v, const jinja_str *text)
{
    spec f;
    int64_t i;
    bool number = jinja_is_number(v);
    if (text->n == 0 || (!number && v.kind != JINJA_STR)) {
        if (text->n)
            return jinja_type_error(sb->j, "unsupported format string passed to %s", jinja_type_name(v));
        jinja_sb_add_str(sb, jinja_to_str(sb->j, v));
        return !sb->failed;
    }
    if (!read_spec(sb->j, text, &f)) return false;
    if (v.kind == JINJA_STR && (!f.type || f.type == 's')) {
        pad_text(sb, f, v.s, '<');
        return !sb->failed;
    }
    if (number && f.type && strchr("eEfFgG%", f.type)) return put_float(sb, f, jinja_as_double(v));
    if (v.kind == JINJA_FLOAT && !f.type) return put_float(sb, f, v.f);
    if (!jinja_as_int(v, &i) || (f.type && !strchr("bcdoxX", f.type)) || f.precision >= 0)
        return jinja_type_error(sb->j, "unknown format code '%c' for object of type '%s'", f.type,
                                jinja_type_name(v));
    if (f.type == 'c') return put_char(sb, f, i);
    return put_int(sb, f, i);
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
            return jinja_type_error(b->sb.j, "replacement index %d out of range for positional args",
                                    (int)at);
        *v = b->args->pos[at];
        return true;
    }
    for (int32_t k = 0; k < b->args->n_named; k++) {
        const jinja_str *name = b->args->names[k];
        if (name->n != (size_t)(end - p) || memcmp(name->data, p, name->n)) continue;
        *v = b->args->named[k];
        return true;
    }
    return jinja_type_error(b->sb.j, "the format has no argument '%.*s'",
                            (int)(end - p > 100 ? 100 : end - p), p);
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
        if ((item && stop == end) || stop == p)
            return jinja_type_error(b->sb.j, "bad field in a format string");
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
    braces inner = { .sb = { .j = j }, .args = b->args, .next = b->next, .depth = b->depth + 1 };
    if (stop < end && !put_fields(&inner, stop + 1, end)) return false;
    b->next = inner.next;
    const jinja_str *spec_text = jinja_sb_str(&inner.sb), *s = NULL;
    jinja_sb repr = { .j = j };
    if (conversion && conversion != 's') jinja_repr(&repr, v);
    if (conversion) s = conversion == 's' ? jinja_to_str(j, v) : jinja_sb_str(&repr);
    if (!spec_text || (conversion && !s)) return false;
    return put_braces(&b->sb, conversion ? jinja_of_str(s) : v, spec_text);
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
    braces b = { .sb = { .j = j }, .args = args };
    if (!put_fields(&b, format.s->data, format.s->data + format.s->n)) return false;
    const jinja_str *s = jinja_sb_str(&b.sb);
    if (s) *out = jinja_of_str(s);
    return s != NULL;
}
