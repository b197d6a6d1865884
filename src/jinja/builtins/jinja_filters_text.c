/* jinja_filters_text.c - filters that give text or numbers: "x | NAME". */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jinja/builtins/jinja_builtins.h"
#include "jinja/str/jinja_format.h"
#include "jinja/str/jinja_text.h"
#include "jinja/str/jinja_unicode.h"

static bool give(const jinja_str *s, uint8_t flag, jinja_value *out)
{
    if (s) *out = (jinja_value){ .kind = JINJA_STR, .flag = flag, .s = s };
    return s != NULL;
}

/* Whether the result of a filter on self is Markup: it is where self is. */
static uint8_t flag_of(jinja_value self)
{
    return self.kind == JINJA_STR ? self.flag : 0;
}

/* ---- Text ---- */

static bool change_case(jinja *j, jinja_value self, jinja_case how, jinja_value *out)
{
    const jinja_str *s = jinja_to_str(j, self);
    return s && give(jinja_text_case(j, s, how), flag_of(self), out);
}

BUILTIN_IS(filter_upper, change_case(j, self, JINJA_UPPER, out))
BUILTIN_IS(filter_lower, change_case(j, self, JINJA_LOWER, out))
BUILTIN_IS(filter_capitalize, change_case(j, self, JINJA_CAPITALIZE, out))

BUILTIN(filter_title)
{
    BUILTIN_UNUSED;
    const jinja_str *s = jinja_to_str(j, self);
    return s && give(jinja_text_title_words(j, s), 0, out);
}

BUILTIN_IS(filter_string, give(jinja_to_str(j, self), flag_of(self), out))

BUILTIN_IS(filter_safe, give(jinja_to_str(j, self), JINJA_MARKUP, out))

BUILTIN(filter_escape)
{
    BUILTIN_UNUSED;
    return give(jinja_escape_value(j, self), JINJA_MARKUP, out);
}

BUILTIN(filter_forceescape)
{
    BUILTIN_UNUSED;
    const jinja_str *s = jinja_to_str(j, self);
    return s && give(jinja_escape(j, s), JINJA_MARKUP, out);
}

BUILTIN(filter_trim)
{
    BUILTIN_UNUSED;
    const jinja_str *s = jinja_to_str(j, self), *chars;
    return s && jinja_arg_str(j, arg[0], &chars) && give(jinja_text_strip(j, s, chars, true, true), flag_of(self), out);
}

BUILTIN(filter_replace)
{
    BUILTIN_UNUSED;
    int64_t count = -1;
    const jinja_str *s = jinja_to_str(j, self), *old = jinja_to_str(j, arg[0]), *by = jinja_to_str(j, arg[1]);
    if (arg[2].kind != JINJA_NONE && !jinja_arg_int(j, arg[2], -1, &count)) return false;
    return s && old && by && give(jinja_text_replace(j, s, old, by, count), 0, out);
}

BUILTIN(filter_center)
{
    BUILTIN_UNUSED;
    int64_t width;
    const jinja_str *s = jinja_to_str(j, self);
    return s && jinja_arg_int(j, arg[0], 80, &width) && give(jinja_text_pad(j, s, width, ' ', '^'), flag_of(self), out);
}

/* The lines of s, with the indention before each but the first (unless first) and before empty ones only if blank. */
BUILTIN(filter_indent)
{
    BUILTIN_UNUSED;
    int64_t width = 4;
    const jinja_str *indention = arg[0].kind == JINJA_STR ? arg[0].s : NULL;
    jinja_sb blanks = { .j = j }, sb = { .j = j };
    bool first = jinja_truth(arg[1]), blank = jinja_truth(arg[2]);
    if (self.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, self);
    if (self.kind != JINJA_STR) return jinja_type_error(j, "|indent needs a string, got %s", jinja_type_name(self));
    if (!indention) {
        if (!jinja_arg_int(j, arg[0], 4, &width)) return false;
        jinja_sb_repeat(&blanks, ' ', width);
        indention = jinja_sb_str(&blanks);
    }
    const jinja_str *newline = jinja_str_literal(j, "\n"), *all = newline ? jinja_str_concat(j, self.s, newline) : NULL;
    jinja_list *lines = all ? jinja_text_lines(j, all, false) : NULL;
    if (!lines || !indention) return false;
    for (size_t i = 0; i < lines->n; i++) {
        if (i) jinja_sb_add(&sb, "\n", 1);
        if (i == 0 ? first : blank || lines->items[i].s->n > 0) jinja_sb_add_str(&sb, indention);
        jinja_sb_add_str(&sb, lines->items[i].s);
    }
    return give(jinja_sb_str(&sb), self.flag, out);
}

BUILTIN(filter_truncate)
{
    BUILTIN_UNUSED;
    int64_t length, leeway;
    size_t n_items;
    const jinja_str *end = jinja_str_literal(j, "..."), *s = self.s;
    if (!end || !jinja_length(j, self, &n_items)) return false;
    if (!end || !jinja_arg_int(j, arg[0], 255, &length)) return false;
    if (arg[2].kind == JINJA_STR) end = arg[2].s;
    if (arg[3].kind == JINJA_NONE ? (leeway = 5, false) : !jinja_arg_int(j, arg[3], 5, &leeway)) return false;
    if (length < (int64_t)end->n_chars || leeway < 0)
        return jinja_type_error(j, "|truncate with a length below that of its end");
    *out = self;
    if (length > INT64_MAX - leeway || (int64_t)n_items <= length + leeway) return true; /* anything short enough */
    if (self.kind != JINJA_STR) return jinja_type_error(j, "|truncate needs a string, got %s", jinja_type_name(self));
    size_t cut = jinja_str_offset(s, (size_t)length - end->n_chars);
    if (!jinja_truth(arg[1])) { /* at the last blank, so that no word is cut */
        size_t at = cut;
        while (at > 0 && s->data[at - 1] != ' ') at--;
        if (at > 0) cut = at - 1;
    }
    const jinja_str *head = jinja_str_part(j, s, 0, cut);
    return head && give(jinja_str_concat(j, head, end), self.flag, out);
}

BUILTIN(filter_wordcount)
{
    BUILTIN_UNUSED;
    int64_t n = 0;
    bool inside = false;
    const jinja_str *s = jinja_to_str(j, self);
    if (!s || !jinja_charge(j, s->n)) return false;
    for (const char *p = s->data, *end = p + s->n; p < end;) {
        int32_t c = jinja_decode(&p);
        bool word = jinja_is_word(c);
        n += word && !inside;
        inside = word;
    }
    *out = jinja_int(n);
    return true;
}

BUILTIN(filter_format)
{
    BUILTIN_UNUSED;
    const jinja_str *s = jinja_to_str(j, self);
    jinja_list *values = jinja_list_new(j, (size_t)args->n_pos);
    jinja_dict *named = jinja_dict_new(j, (size_t)args->n_named);
    if (!s || !values || !named) return false;
    if (args->n_pos && args->n_named)
        return jinja_type_error(j, "|format takes positional or named arguments, not both");
    for (int32_t i = 0; i < args->n_pos; i++)
        if (!jinja_list_push(j, values, args->pos[i])) return false;
    for (int32_t i = 0; i < args->n_named; i++)
        if (!jinja_dict_set(j, named, jinja_of_str(args->names[i]), args->named[i])) return false;
    jinja_value format = { .kind = JINJA_STR, .flag = flag_of(self), .s = s };
    return jinja_format_percent(j, format, args->n_named ? jinja_of_dict(named) : jinja_of_tuple(values), out);
}

/* ---- JSON ---- */

/* json.dumps(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False) */
BUILTIN(filter_tojson)
{
    BUILTIN_UNUSED;
    jinja_json_opts o = { .ascii = jinja_truth(arg[0]), .sort_keys = jinja_truth(arg[3]) };
    jinja_sb blanks = { .j = j }, sb = { .j = j };
    int64_t width = 0;
    if (arg[1].kind == JINJA_STR) o.indent = arg[1].s;
    else if (arg[1].kind != JINJA_MISSING && arg[1].kind != JINJA_NONE && self.kind != JINJA_STR) {
        if (!jinja_arg_int(j, arg[1], 0, &width)) return false;
        jinja_sb_repeat(&blanks, ' ', width);
        if (!(o.indent = jinja_sb_str(&blanks))) return false;
    }
    o.item_separator = jinja_str_literal(j, o.indent ? "," : ", ");
    o.key_separator = jinja_str_literal(j, ": ");
    if (arg[2].kind != JINJA_MISSING && arg[2].kind != JINJA_NONE) {
        jinja_list *pair = jinja_to_list(j, arg[2]);
        if (!pair) return false;
        if (pair->n != 2 || pair->items[0].kind != JINJA_STR || pair->items[1].kind != JINJA_STR)
            return jinja_type_error(j, "separators must be two strings");
        o.item_separator = pair->items[0].s;
        o.key_separator = pair->items[1].s;
    }
    if (!o.item_separator || !o.key_separator || !jinja_to_json(&sb, self, &o)) return false;
    return give(jinja_sb_str(&sb), 0, out);
}

/* ---- Numbers ---- */

/* The value of a decimal digit of any script: digits are in runs of ten. */
static char ascii_digit(int32_t c)
{
    int32_t first = c;
    while (jinja_is_decimal(first - 1)) first--;
    return (char)('0' + (c - first) % 10);
}

/* Text without white space around it and without single underscores between digits, with digits of ASCII,
 * NUL-terminated; false if it does not fit, for then it is no number that we know. */
static bool plain_number(const jinja_str *s, char out[400])
{
    const char *p = s->data, *end = p + s->n, *q;
    while (q = p, p < end && jinja_is_space(jinja_decode(&q))) p = q;
    while (q = end, end > p && jinja_is_space(jinja_decode_back(&q))) end = q;
    size_t n = 0;
    for (q = p; q < end;) {
        const char *from = q;
        int32_t c = jinja_decode(&q);
        bool between = from > p && q < end && from[-1] != '_' && (unsigned char)*q > ' ' && *q != '_';
        if (c == '_' && !between) return false;
        if (c == '_') continue;
        if (c >= 0x80 && !jinja_is_decimal(c)) return false;
        if (n == 399 || c == '\0') return false;
        out[n++] = c < 0x80 ? (char)c : ascii_digit(c);
    }
    out[n] = '\0';
    return n > 0;
}

bool jinja_parse_int(const jinja_str *s, int base, int64_t *out)
{
    char text[400], *end;
    if (!plain_number(s, text)) return false;
    char *p = text + (text[0] == '+' || text[0] == '-');
    char letter = base == 16 ? 'x' : base == 8 ? 'o' : base == 2 ? 'b' : 0;
    if (base == 0 && p[0] == '0' && p[1]) {
        letter = (char)(p[1] | 0x20);
        base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
        if (base == 10 && strspn(p, "0") != strlen(p)) return false; /* 012 is no number */
    }
    if (base == 0) base = 10;
    if (letter && p[0] == '0' && (p[1] | 0x20) == letter && p[2]) p += 2;
    if (*p == '\0' || strchr(" \t+-", *p) || (base == 16 && p[0] == '0' && (p[1] | 0x20) == 'x')) return false;
    if (text[0] == '-') *--p = '-';
    errno = 0;
    *out = strtoll(p, &end, base);
    return *end == '\0' && errno == 0;
}

bool jinja_parse_float(const jinja_str *s, double *out)
{
    static const char *const words[] = { "inf", "infinity", "nan" };
    char text[400], *end;
    if (!plain_number(s, text)) return false;
    const char *p = text + (text[0] == '+' || text[0] == '-');
    bool word = false;
    for (int i = 0; i < 3; i++) word |= !strcasecmp(p, words[i]);
    if (!word && strspn(p, "0123456789.eE+-") != strlen(p)) return false; /* C reads hexadecimal floats, Python not */
    *out = strtod(text, &end);
    return end > text && *end == '\0';
}

static bool float_to_int(jinja *j, double f, jinja_value *out)
{
    if (fabs(f) >= 0x1p63) return jinja_fail(j, SUMI_ELIMIT, "an integer does not fit into 64 bits");
    *out = jinja_int((int64_t)f);
    return true;
}

BUILTIN(filter_int)
{
    BUILTIN_UNUSED;
    int64_t base, i;
    double f;
    if (!jinja_arg_int(j, arg[1], 10, &base)) return false;
    *out = arg[0].kind == JINJA_MISSING ? jinja_int(0) : arg[0];
    if (self.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, self);
    if (self.kind == JINJA_STR) {
        bool ok_base = base == 0 || (base >= 2 && base <= 36);
        if (ok_base && jinja_parse_int(self.s, (int)base, &i)) *out = jinja_int(i);
        else if (jinja_parse_float(self.s, &f) && isfinite(f)) return float_to_int(j, f, out);
        return true;
    }
    if (jinja_as_int(self, &i)) *out = jinja_int(i);
    else if (self.kind == JINJA_FLOAT && isinf(self.f))
        return jinja_type_error(j, "cannot convert float infinity to integer");
    else if (self.kind == JINJA_FLOAT && !isnan(self.f)) return float_to_int(j, self.f, out);
    return true;
}

BUILTIN(filter_float)
{
    BUILTIN_UNUSED;
    double f;
    *out = arg[0].kind == JINJA_MISSING ? jinja_float(0) : arg[0];
    if (self.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, self);
    if (jinja_is_number(self)) *out = jinja_float(jinja_as_double(self));
    else if (self.kind == JINJA_STR && jinja_parse_float(self.s, &f)) *out = jinja_float(f);
    return true;
}

BUILTIN(filter_abs)
{
    BUILTIN_UNUSED;
    int64_t i;
    if (self.kind == JINJA_UNDEFINED) return jinja_type_error(j, "bad operand type for abs(): 'Undefined'");
    if (self.kind == JINJA_FLOAT) *out = jinja_float(fabs(self.f));
    else if (!jinja_as_int(self, &i))
        return jinja_type_error(j, "bad operand type for abs(): '%s'", jinja_type_name(self));
    else return i < 0 ? jinja_negate(j, self, true, out) : jinja_negate(j, self, false, out);
    return true;
}

/* round(i, -n): to tens, hundreds, ..., ties to even. */
static bool round_int(jinja *j, int64_t i, int64_t precision, jinja_value *out)
{
    int64_t unit = 1;
    *out = jinja_int(i);
    if (precision >= 0) return true;
    *out = jinja_int(0);
    for (; precision < 0; precision++)
        if (__builtin_mul_overflow(unit, 10, &unit)) return true; /* more than twice the largest integer */
    int64_t rest = i % unit, down = i - rest, half = unit / 2;
    if (rest < 0) {
        rest += unit;
        if (__builtin_sub_overflow(down, unit, &down))
            return jinja_fail(j, SUMI_ELIMIT, "an integer does not fit into 64 bits");
    }
    bool up = rest > half || (rest == half && (down / unit) % 2 != 0);
    if (up && __builtin_add_overflow(down, unit, &down))
        return jinja_fail(j, SUMI_ELIMIT, "an integer does not fit into 64 bits");
    *out = jinja_int(down);
    return true;
}

/* round(f, n) through the decimal digits, which the C library writes exactly. */
static double round_float(double f, int64_t precision)
{
    char text[800];
    if (!isfinite(f) || precision > 323) return f;
    if (precision < -308) return copysign(0, f);
    if (precision >= 0) {
        snprintf(text, sizeof text, "%.*f", (int)precision, f);
        return strtod(text, NULL);
    }
    char digits[400];
    snprintf(digits, sizeof digits, "%.0f", fabs(trunc(f))); /* the digits before the point, exactly */
    int n = (int)strlen(digits), keep = n + (int)precision;
    if (keep < 0) return copysign(0, f);
    bool tail = f != trunc(f), more = false, odd = keep > 0 && (digits[keep - 1] - '0') % 2;
    for (int i = keep + 1; i < n; i++) more |= digits[i] != '0';
    bool up = digits[keep] > '5' || (digits[keep] == '5' && (more || tail || odd));
    snprintf(text, sizeof text, "%.*se%d", keep ? keep : 1, keep ? digits : "0", n - keep);
    double down = strtod(text, NULL);
    snprintf(text, sizeof text, "1e%d", n - keep);
    return copysign(up ? down + strtod(text, NULL) : down, f);
}

BUILTIN(filter_round)
{
    BUILTIN_UNUSED;
    int64_t precision, i;
    const jinja_str *method = arg[1].kind == JINJA_STR ? arg[1].s : NULL;
    bool ceil_it = method && jinja_str_is(method, "ceil"), floor_it = method && jinja_str_is(method, "floor");
    bool to_int = arg[0].kind == JINJA_NONE; /* round(x, None) is an int */
    if (!jinja_arg_int(j, to_int && !ceil_it && !floor_it ? jinja_missing() : arg[0], 0, &precision)) return false;
    if (arg[1].kind != JINJA_MISSING && !ceil_it && !floor_it && !(method && jinja_str_is(method, "common")))
        return jinja_type_error(j, "method must be common, ceil or floor");
    if (self.kind == JINJA_UNDEFINED) return jinja_type_error(j, "type Undefined doesn't define __round__ method");
    if (!jinja_is_number(self))
        return jinja_type_error(j, "type %s doesn't define __round__ method", jinja_type_name(self));
    if (!ceil_it && !floor_it) {
        if (jinja_as_int(self, &i)) return round_int(j, i, precision, out);
        if (to_int && !isfinite(self.f)) return jinja_type_error(j, "cannot convert float to integer");
        if (to_int) return float_to_int(j, round_float(self.f, 0), out);
        *out = jinja_float(round_float(self.f, precision));
        return true;
    }
    jinja_value factor, scaled;
    if (!jinja_binary(j, JINJA_POW, jinja_int(10), jinja_int(precision), &factor)) return false;
    if (!jinja_binary(j, JINJA_MUL, self, factor, &scaled)) return false;
    if (scaled.kind == JINJA_FLOAT) {
        double f = ceil_it ? ceil(scaled.f) : floor(scaled.f);
        if (!isfinite(f)) return jinja_type_error(j, "cannot convert float to integer");
        if (!float_to_int(j, f, &scaled)) return false;
    }
    return jinja_binary(j, JINJA_DIV, scaled, factor, out);
}

BUILTIN(filter_filesizeformat)
{
    BUILTIN_UNUSED;
    static const char *const decimal[] = { "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB" };
    static const char *const binary[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB" };
    bool is_binary = jinja_truth(arg[0]);
    double bytes, base = is_binary ? 1024 : 1000, unit;
    char text[400];
    if (jinja_is_number(self)) bytes = jinja_as_double(self);
    else if (self.kind != JINJA_STR || !jinja_parse_float(self.s, &bytes))
        return jinja_type_error(j, "|filesizeformat needs a number");
    int i = 0;
    for (unit = base * base; i < 7 && bytes >= unit; i++) unit = pow(base, i + 3);
    if (bytes == 1) snprintf(text, sizeof text, "1 Byte");
    else if (bytes < base) snprintf(text, sizeof text, "%.0f Bytes", trunc(bytes) + 0.0); /* + 0.0: no -0 */
    else snprintf(text, sizeof text, "%.1f %s", base * bytes / unit, (is_binary ? binary : decimal)[i]);
    const jinja_str *s = jinja_str_copy(j, text, strlen(text));
    return give(s, 0, out);
}

const jinja_builtin jinja_text_filters[] = {
    { "abs", "", filter_abs },
    { "capitalize", "", filter_capitalize },
    { "center", "?width", filter_center },
    { "e", "", filter_escape },
    { "escape", "", filter_escape },
    { "filesizeformat", "?binary", filter_filesizeformat },
    { "float", "?default", filter_float },
    { "forceescape", "", filter_forceescape },
    { "format", "*", filter_format },
    { "indent", "?width first blank", filter_indent },
    { "int", "?default base", filter_int },
    { "lower", "", filter_lower },
    { "replace", "old new ?count", filter_replace },
    { "round", "?precision method", filter_round },
    { "safe", "", filter_safe },
    { "string", "", filter_string },
    { "title", "", filter_title },
    { "tojson", "?ensure_ascii indent separators sort_keys", filter_tojson },
    { "trim", "?chars", filter_trim },
    { "truncate", "?length killwords end leeway", filter_truncate },
    { "upper", "", filter_upper },
    { "wordcount", "", filter_wordcount },
    { NULL, NULL, NULL },
};
