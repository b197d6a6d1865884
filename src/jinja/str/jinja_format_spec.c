/* jinja_format_spec.c - see jinja_format_spec.h. */
#include "jinja/str/jinja_format_spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jinja/str/jinja_unicode.h"

#define MAX_PRECISION 1000 /* digits; a double has 767 at most */

const jinja_str *jinja_convert(jinja *j, jinja_value v, char conversion)
{
    if (conversion == 's') return jinja_to_str(j, v);
    jinja_sb repr = { .j = j }, sb = { .j = j };
    jinja_repr(&repr, v);
    const jinja_str *s = jinja_sb_str(&repr);
    if (!s || conversion == 'r' || s->n == s->n_chars) return s;
    for (const char *p = s->data, *end = p + s->n; p < end && !sb.failed;) {
        int32_t c = jinja_decode(&p);
        char text[16];
        const char *format = c < 0x80 ? "%c" : c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        jinja_sb_add(&sb, text, (size_t)snprintf(text, sizeof text, format, (unsigned)c));
#pragma GCC diagnostic pop
    }
    return jinja_sb_str(&sb);
}

static void pad(jinja_sb *sb, const jinja_spec *f, const char *sign, const char *body, size_t n, size_t n_chars)
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

void jinja_put_text(jinja_sb *sb, jinja_spec f, const jinja_str *s, char default_align)
{
    size_t n = s->n, n_chars = s->n_chars;
    if (f.precision >= 0 && (uint64_t)f.precision < n_chars) {
        n_chars = (size_t)f.precision;
        n = jinja_str_offset(s, n_chars);
    }
    if (!f.align) f.align = default_align;
    pad(sb, &f, "", s->data, n, n_chars);
}

/* ---- Numbers ---- */

/* Writes a number with sign (and prefix) and body; the first n_digits characters of body are grouped. Zeros that fill the
 * width are grouped, too. A group mark is never the first character, so the number may become wider by one. */
static bool put_grouped(jinja_sb *sb, jinja_spec f, const char *sign, const char *body, size_t n_digits, int size)
{
    bool fill = f.fill == '0' && f.align == '=';
    int64_t rest = (int64_t)strlen(body + n_digits), missing = 0;
    int64_t least = fill ? f.width - (int64_t)strlen(sign) - rest : 0, digits = (int64_t)n_digits;
    int64_t width = digits + (digits - 1) / size; /* with its marks */
    while (width < least) {
        int64_t n = digits + ++missing;
        width = n + (n - 1) / size;
    }
    jinja_sb text = { .j = sb->j };
    for (int64_t n = digits + missing, i = 0; i < n && !text.failed; i++) {
        if (i && (n - i) % size == 0) jinja_sb_add(&text, &f.group, 1);
        jinja_sb_add(&text, i < missing ? "0" : body + (i - missing), 1);
    }
    jinja_sb_add_text(&text, body + n_digits);
    const jinja_str *s = jinja_sb_str(&text);
    if (s) pad(sb, &f, sign, s->data, s->n, s->n);
    return s && !sb->failed;
}

static bool put_number(jinja_sb *sb, jinja_spec f, const char *sign, const char *body, size_t n_digits, int size)
{
    if (!f.align) f.align = '>';
    if (f.group && n_digits) return put_grouped(sb, f, sign, body, n_digits, size);
    pad(sb, &f, sign, body, strlen(body), strlen(body));
    return !sb->failed;
}

static const char *sign_of(const jinja_spec *f, bool negative)
{
    return negative ? "-" : f->sign == '+' ? "+" : f->sign == ' ' ? " " : "";
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

bool jinja_put_int(jinja_sb *sb, jinja_spec f, int64_t i)
{
    char body[160], sign[8];
    int base = f.type == 'x' || f.type == 'X' ? 16 : f.type == 'o' ? 8 : f.type == 'b' ? 2 : 10;
    digits_of(i < 0 ? -(uint64_t)i : (uint64_t)i, base, f.type == 'X', body);
    size_t n = strlen(body);
    if (f.precision > 60) return jinja_fail(sb->j, SUMI_ELIMIT, "a precision of more than 60 digits");
    if (f.precision > (int64_t)n) {
        size_t more = (size_t)f.precision - n;
        memmove(body + more, body, n + 1);
        memset(body, '0', more);
        n += more;
    }
    snprintf(sign, sizeof sign, "%s", sign_of(&f, i < 0));
    if (f.alt && base != 10) {
        char prefix[] = { '0', f.type, '\0' };
        strcat(sign, prefix);
    }
    return put_number(sb, f, sign, body, n, base == 10 ? 3 : 4);
}

/* The precision digits of |v| in Python's form of a float without a type: like %g, but always with ".0" or an exponent, so
 * the exponent is used one digit earlier. */
static void general(double v, int precision, bool alt, char *out, size_t room)
{
    char *e;
    if (precision == 0) precision = 1;
    snprintf(out, room, "%.*e", precision - 1, v);
    if (!(e = strchr(out, 'e'))) return; /* inf, nan */
    int exponent = atoi(e + 1);
    if (exponent >= -4 && exponent < precision - 1) {
        snprintf(out, room, alt ? "%#.*g" : "%.*g", precision, v);
        if (!strchr(out, '.')) strcat(out, ".0");
        return;
    }
    if (alt) {
        if (!strchr(out, '.')) memmove(e + 1, e, strlen(e) + 1), *e = '.';
        return;
    }
    char *last = e; /* zeros at the end of the fraction go, and then its point */
    if (strchr(out, '.'))
        while (last[-1] == '0') last--;
    if (last[-1] == '.') last--;
    memmove(last, e, strlen(e) + 1);
}

static void float_digits(const jinja_spec *f, double v, char *out, size_t room)
{
    if (f->type) {
        char format[16];
        snprintf(format, sizeof format, f->alt ? "%%#.*%c" : "%%.*%c", f->type == '%' ? 'f' : f->type);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(out, room, format, f->precision < 0 ? 6 : (int)f->precision, f->type == '%' ? v * 100 : v);
#pragma GCC diagnostic pop
    } else if (f->precision >= 0) {
        general(v, (int)f->precision, f->alt, out, room);
    } else {
        jinja_float_repr(v, out);
        char *e = strchr(out, 'e');
        if (f->alt && e && !strchr(out, '.')) memmove(e + 1, e, strlen(e) + 1), *e = '.';
    }
}

bool jinja_put_float(jinja_sb *sb, jinja_spec f, double v)
{
    char body[MAX_PRECISION + 400];
    if (f.precision > MAX_PRECISION) return jinja_fail(sb->j, SUMI_ELIMIT, "a format precision over %d", MAX_PRECISION);
    float_digits(&f, fabs(v), body, sizeof body - 8);
    bool negative = signbit(v) && !isnan(v);
    if (f.no_negative_zero && !body[strspn(body, "0.")]) negative = false;
    if (f.type == '%') strcat(body, "%");
    return put_number(sb, f, sign_of(&f, negative), body, strspn(body, "0123456789"), 3);
}

bool jinja_put_char(jinja_sb *sb, jinja_spec f, int64_t c)
{
    char text[4];
    if (c < 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return jinja_type_error(sb->j, "%%c arg not in range");
    if (!f.align) f.align = '>';
    pad(sb, &f, "", text, utf8_encode((uint32_t)c, text), 1);
    return !sb->failed;
}
