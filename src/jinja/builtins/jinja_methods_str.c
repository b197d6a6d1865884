/* jinja_methods_str.c - the methods of str. The table at the end holds every public name that Python's str has, so
 * that `s.title` is the method even where a message has no such key. */
#include <string.h>

#include "jinja/builtins/jinja_builtins.h"
#include "jinja/str/jinja_format.h"
#include "jinja/str/jinja_text.h"
#include "jinja/str/jinja_unicode.h"

/* Results keep being Markup where self is. */
static bool give(jinja_value self, const jinja_str *s, jinja_value *out)
{
    if (s) *out = (jinja_value){ .kind = JINJA_STR, .flag = self.flag, .s = s };
    return s != NULL;
}

static bool give_list(jinja_value self, jinja_list *list, jinja_value *out)
{
    for (size_t i = 0; list && i < list->n; i++) list->items[i].flag = self.flag;
    if (list) *out = jinja_of_list(list);
    return list != NULL;
}

BUILTIN_IS(str_upper, give(self, jinja_text_case(j, self.s, JINJA_UPPER), out))
BUILTIN_IS(str_lower, give(self, jinja_text_case(j, self.s, JINJA_LOWER), out))
BUILTIN_IS(str_casefold, give(self, jinja_text_casefold(j, self.s), out))
BUILTIN_IS(str_title, give(self, jinja_text_case(j, self.s, JINJA_TITLE), out))
BUILTIN_IS(str_capitalize, give(self, jinja_text_case(j, self.s, JINJA_CAPITALIZE), out))
BUILTIN_IS(str_swapcase, give(self, jinja_text_case(j, self.s, JINJA_SWAPCASE), out))

static bool strip(jinja *j, jinja_value self, jinja_value chars, bool left, bool right, jinja_value *out)
{
    const jinja_str *set;
    return jinja_arg_str(j, chars, &set) && give(self, jinja_text_strip(j, self.s, set, left, right), out);
}

BUILTIN_IS(str_strip, strip(j, self, arg[0], true, true, out))
BUILTIN_IS(str_lstrip, strip(j, self, arg[0], true, false, out))
BUILTIN_IS(str_rstrip, strip(j, self, arg[0], false, true, out))

static bool split(jinja *j, jinja_value self, const jinja_value *arg, bool from_right, jinja_value *out)
{
    const jinja_str *sep;
    int64_t max;
    if (!jinja_arg_str(j, arg[0], &sep) || !jinja_arg_int(j, arg[1], -1, &max)) return false;
    return give_list(self, jinja_text_split(j, self.s, sep, max, from_right), out);
}

BUILTIN_IS(str_split, split(j, self, arg, false, out))
BUILTIN_IS(str_rsplit, split(j, self, arg, true, out))

BUILTIN(str_splitlines)
{
    BUILTIN_UNUSED;
    int64_t keep;
    return jinja_arg_int(j, arg[0], 0, &keep) && give_list(self, jinja_text_lines(j, self.s, keep != 0), out);
}

/* A string argument that must be there; none is an error, unlike for jinja_arg_str(). */
static bool need_str(jinja *j, jinja_value v, const jinja_str **out)
{
    if (!jinja_arg_str(j, v, out)) return false;
    return *out || jinja_type_error(j, "expected a string, got %s", jinja_type_name(v));
}

BUILTIN(str_replace)
{
    BUILTIN_UNUSED;
    const jinja_str *old, *by;
    int64_t count;
    if (!need_str(j, arg[0], &old) || !jinja_arg_int(j, arg[2], -1, &count)) return false;
    if (self.flag && arg[1].kind != JINJA_STR) by = jinja_to_str(j, arg[1]); /* Markup escapes its arguments */
    else if (!need_str(j, arg[1], &by)) return false;
    if (by && self.flag && !(arg[1].kind == JINJA_STR && arg[1].flag)) by = jinja_escape(j, by);
    if (!by) return false;
    return give(self, jinja_text_replace(j, self.s, old, by, count), out);
}

BUILTIN(str_join)
{
    BUILTIN_UNUSED;
    jinja_iter *it = jinja_iterate(j, arg[0]);
    jinja_sb sb = { .j = j };
    jinja_value v;
    int got = JINJA_ITER_FAILED;
    for (int64_t i = 0; it && (got = jinja_next(j, it, &v)) == JINJA_ITER_ITEM; i++) {
        if (i) jinja_sb_add_str(&sb, self.s);
        if (v.kind != JINJA_STR)
            return jinja_type_error(j, "sequence item %lld: expected str instance, %s found", (long long)i,
                                    jinja_type_name(v));
        jinja_sb_add_str(&sb, self.flag && !v.flag ? jinja_escape(j, v.s) : v.s);
    }
    return got == JINJA_ITER_END && give(self, jinja_sb_str(&sb), out);
}

/* The bytes that start and end arguments (in characters, as slices) leave. */
static bool bounds(jinja *j, const jinja_str *s, jinja_value start, jinja_value end, size_t *from, size_t *to)
{
    int64_t first, step, n = (int64_t)s->n_chars, stop = n, i;
    size_t count;
    if (!jinja_slice_bounds(j, start, end, jinja_missing(), s->n_chars, &first, &step, &count)) return false;
    if (jinja_as_int(start, &i) && i > n) first = n + 1; /* after the end no text is found, not even "" */
    if (jinja_as_int(end, &i)) stop = i < 0 ? (i + n < 0 ? 0 : i + n) : i < n ? i : n;
    if (!jinja_charge(j, s->n)) return false;
    *from = first > n ? SIZE_MAX : jinja_str_offset(s, (size_t)first);
    *to = jinja_str_offset(s, (size_t)stop);
    return true;
}

static bool affix(jinja *j, jinja_value self, const jinja_value *arg, bool end, jinja_value *out)
{
    size_t from, to;
    jinja_value one = arg[0];
    size_t n = one.kind == JINJA_TUPLE ? one.list->n : 1;
    if (!bounds(j, self.s, arg[1], arg[2], &from, &to)) return false;
    *out = jinja_bool(false);
    for (size_t i = 0; i < n; i++) {
        const jinja_str *s;
        if (!need_str(j, one.kind == JINJA_TUPLE ? one.list->items[i] : one, &s)) return false;
        if (from == SIZE_MAX || from > to || s->n > to - from) continue;
        if (memcmp(self.s->data + (end ? to - s->n : from), s->data, s->n) == 0) *out = jinja_bool(true);
    }
    return true;
}

BUILTIN_IS(str_startswith, affix(j, self, arg, false, out))
BUILTIN_IS(str_endswith, affix(j, self, arg, true, out))

static bool find(jinja *j, jinja_value self, const jinja_value *arg, bool last, bool must, jinja_value *out)
{
    const jinja_str *sub;
    size_t from, to;
    if (!need_str(j, arg[0], &sub) || !bounds(j, self.s, arg[1], arg[2], &from, &to)) return false;
    if (last && !jinja_charge(j, self.s->n * 4)) return false;
    size_t at = from == SIZE_MAX ? SIZE_MAX : jinja_text_find(self.s, sub, from, to, last);
    if (at == SIZE_MAX && must) return jinja_type_error(j, "substring not found");
    *out = jinja_int(at == SIZE_MAX ? -1 : (int64_t)jinja_utf8_count(self.s->data, at));
    return true;
}

BUILTIN_IS(str_find, find(j, self, arg, false, false, out))
BUILTIN_IS(str_rfind, find(j, self, arg, true, false, out))
BUILTIN_IS(str_index, find(j, self, arg, false, true, out))
BUILTIN_IS(str_rindex, find(j, self, arg, true, true, out))

BUILTIN(str_count)
{
    BUILTIN_UNUSED;
    const jinja_str *sub;
    size_t from, to, at;
    int64_t n = 0;
    if (!need_str(j, arg[0], &sub) || !bounds(j, self.s, arg[1], arg[2], &from, &to)) return false;
    if (from == SIZE_MAX || from > to) n = 0;
    else if (sub->n == 0) n = (int64_t)jinja_utf8_count(self.s->data + from, to - from) + 1;
    else
        for (; (at = jinja_text_find(self.s, sub, from, to, false)) != SIZE_MAX; from = at + sub->n) n++;
    *out = jinja_int(n);
    return true;
}

static bool remove_affix(jinja *j, jinja_value self, jinja_value arg, bool end, jinja_value *out)
{
    const jinja_str *s, *me = self.s;
    if (!need_str(j, arg, &s)) return false;
    bool has = s->n <= me->n && memcmp(me->data + (end ? me->n - s->n : 0), s->data, s->n) == 0;
    if (!has) return give(self, me, out);
    return give(self, jinja_str_part(j, me, end ? 0 : s->n, end ? me->n - s->n : me->n), out);
}

BUILTIN_IS(str_removeprefix, remove_affix(j, self, arg[0], false, out))
BUILTIN_IS(str_removesuffix, remove_affix(j, self, arg[0], true, out))

static bool partition(jinja *j, jinja_value self, jinja_value arg, bool last, jinja_value *out)
{
    const jinja_str *sep, *me = self.s;
    if (!need_str(j, arg, &sep)) return false;
    if (sep->n == 0) return jinja_type_error(j, "empty separator");
    if (!jinja_charge(j, me->n)) return false;
    size_t at = jinja_text_find(me, sep, 0, me->n, last);
    bool found = at != SIZE_MAX;
    size_t left = found ? at : last ? 0 : me->n, right = found ? at + sep->n : last ? 0 : me->n;
    const jinja_str *part[] = { jinja_str_part(j, me, 0, left), found ? sep : jinja_str_literal(j, ""),
                                jinja_str_part(j, me, right, me->n) };
    jinja_list *list = jinja_list_new(j, 3);
    for (int i = 0; i < 3; i++) {
        jinja_value v;
        if (!list || !give(self, part[i], &v)) return false;
        if (i == 1 && found && !self.flag) v = arg; /* the separator itself, which may be Markup */
        if (!jinja_list_push(j, list, v)) return false;
    }
    *out = jinja_of_tuple(list);
    return true;
}

BUILTIN_IS(str_partition, partition(j, self, arg[0], false, out))
BUILTIN_IS(str_rpartition, partition(j, self, arg[0], true, out))

static bool justify(jinja *j, jinja_value self, const jinja_value *arg, char align, jinja_value *out)
{
    int64_t width;
    const jinja_str *fill;
    if (!jinja_arg_int(j, arg[0], 0, &width) || !jinja_arg_str(j, arg[1], &fill)) return false;
    if (fill && fill->n_chars != 1) return jinja_type_error(j, "the fill character must be exactly one character long");
    const char *p = fill ? fill->data : " ";
    return give(self, jinja_text_pad(j, self.s, width, jinja_decode(&p), align), out);
}

BUILTIN_IS(str_ljust, justify(j, self, arg, '<', out))
BUILTIN_IS(str_rjust, justify(j, self, arg, '>', out))
BUILTIN_IS(str_center, justify(j, self, arg, '^', out))

BUILTIN(str_zfill)
{
    BUILTIN_UNUSED;
    int64_t width;
    const jinja_str *s = self.s;
    if (!jinja_arg_int(j, arg[0], 0, &width)) return false;
    bool sign = s->n && (s->data[0] == '-' || s->data[0] == '+');
    jinja_sb sb = { .j = j };
    jinja_sb_add(&sb, s->data, sign);
    jinja_sb_repeat(&sb, '0', width > (int64_t)s->n_chars ? width - (int64_t)s->n_chars : 0);
    jinja_sb_add(&sb, s->data + sign, s->n - sign);
    return give(self, jinja_sb_str(&sb), out);
}

BUILTIN(str_expandtabs)
{
    BUILTIN_UNUSED;
    int64_t size, column = 0;
    jinja_sb sb = { .j = j };
    if (!jinja_arg_int(j, arg[0], 8, &size)) return false;
    for (const char *p = self.s->data, *end = p + self.s->n; p < end && !sb.failed;) {
        int32_t c = jinja_decode(&p);
        if (c == '\t') {
            int64_t n = size > 0 ? size - column % size : 0;
            jinja_sb_repeat(&sb, ' ', n);
            column += n;
            continue;
        }
        jinja_sb_add_char(&sb, c);
        column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
    return give(self, jinja_sb_str(&sb), out);
}

BUILTIN_IS(str_format, jinja_format_braces(j, self, args, out))

/* format(**mapping); a value that is no dict has no names, which matters only for a format with fields */
BUILTIN(str_format_map)
{
    BUILTIN_UNUSED;
    const jinja_dict none = { 0 }, *d = arg[0].kind == JINJA_DICT ? arg[0].dict : &none;
    const jinja_str **names = jinja_alloc(j, (d->n + 1) * sizeof *names);
    jinja_value *values = jinja_alloc(j, (d->n + 1) * sizeof *values);
    int32_t n = 0;
    for (size_t i = 0; names && values && i < d->n; i++) {
        if (d->entries[i].key.kind != JINJA_STR) continue; /* a field can name strings only */
        names[n] = d->entries[i].key.s;
        values[n++] = d->entries[i].value;
    }
    jinja_args named = { .names = names, .named = values, .n_named = n };
    return names && values && jinja_format_braces(j, self, &named, out);
}

/* ---- Translation by a table ---- */

static int32_t only_char(const jinja_str *s)
{
    const char *p = s->data;
    return jinja_decode(&p);
}

/* {65: 97, "B": "bb", "C": None} with numbers as keys. */
static bool table_of_dict(jinja *j, const jinja_dict *from, jinja_dict *table)
{
    for (size_t i = 0; i < from->n; i++) {
        jinja_value key = from->entries[i].key;
        if (key.kind == JINJA_STR && key.s->n_chars != 1)
            return jinja_type_error(j, "string keys in translate table must be of length 1");
        if (key.kind == JINJA_STR) key = jinja_int(only_char(key.s));
        if (key.kind != JINJA_INT && key.kind != JINJA_BOOL)
            return jinja_type_error(j, "keys in translate table must be strings or integers");
        if (!jinja_dict_set(j, table, key, from->entries[i].value)) return false;
    }
    return true;
}

BUILTIN(str_maketrans)
{
    BUILTIN_UNUSED;
    jinja_dict *table = jinja_dict_new(j, 0);
    if (!table) return false;
    *out = jinja_of_dict(table);
    if (arg[1].kind == JINJA_MISSING) {
        if (arg[0].kind == JINJA_DICT) return table_of_dict(j, arg[0].dict, table);
        return jinja_type_error(j, "if you give only one argument to maketrans it must be a dict");
    }
    const jinja_str *from, *to, *drop = NULL;
    if (!need_str(j, arg[0], &from) || !need_str(j, arg[1], &to)) return false;
    if (arg[2].kind != JINJA_MISSING && !need_str(j, arg[2], &drop)) return false;
    if (from->n_chars != to->n_chars)
        return jinja_type_error(j, "the first two maketrans arguments must have equal length");
    const char *p = from->data, *q = to->data, *d = drop ? drop->data : NULL;
    while (p < from->data + from->n) {
        jinja_value key = jinja_int(jinja_decode(&p)), value = jinja_int(jinja_decode(&q));
        if (!jinja_dict_set(j, table, key, value)) return false;
    }
    while (drop && d < drop->data + drop->n)
        if (!jinja_dict_set(j, table, jinja_int(jinja_decode(&d)), jinja_none())) return false;
    return true;
}

BUILTIN(str_translate)
{
    BUILTIN_UNUSED;
    jinja_sb sb = { .j = j };
    if (arg[0].kind != JINJA_DICT)
        return jinja_fail(j, SUMI_EUNSUPPORTED, "translate() by a table of type %s is not supported",
                          jinja_type_name(arg[0]));
    for (const char *p = self.s->data, *end = p + self.s->n; p < end && !sb.failed;) {
        int32_t c = jinja_decode(&p);
        jinja_value *to;
        int64_t number;
        if (!jinja_dict_find(j, arg[0].dict, jinja_int(c), &to)) return false;
        if (!to) jinja_sb_add_char(&sb, c);
        else if (to->kind == JINJA_STR) jinja_sb_add_str(&sb, to->s);
        else if (to->kind == JINJA_NONE) continue;
        else if (!jinja_as_int(*to, &number))
            return jinja_type_error(j, "character mapping must return integer, None or str");
        else if (number < 0 || number > 0x10ffff || (number >= 0xd800 && number < 0xe000))
            return jinja_type_error(j, "character mapping must be in range(0x110000)");
        else jinja_sb_add_char(&sb, (int32_t)number);
    }
    return give(self, jinja_sb_str(&sb), out);
}

/* ---- Questions ---- */

/* True if there is a character and all pass. */
static bool all_chars(jinja *j, const jinja_str *s, bool (*test)(int32_t), bool empty, jinja_value *out)
{
    *out = jinja_bool(s->n ? true : empty);
    if (!jinja_charge(j, s->n)) return false;
    for (const char *p = s->data, *end = p + s->n; p < end;)
        if (!test(jinja_decode(&p))) *out = jinja_bool(false);
    return true;
}

/* True if there is a cased character and all of them are of the wanted case. */
static bool all_cased(jinja *j, const jinja_str *s, bool (*wanted)(int32_t), jinja_value *out)
{
    bool some = false, all = true;
    for (const char *p = s->data, *end = p + s->n; p < end;) {
        int32_t c = jinja_decode(&p);
        if (!jinja_is_cased(c)) continue;
        if (wanted(c)) some = true;
        else all = false;
    }
    *out = jinja_bool(some && all);
    return jinja_charge(j, s->n);
}

static bool is_ascii(int32_t c)
{
    return c < 0x80;
}

BUILTIN_IS(str_isspace, all_chars(j, self.s, jinja_is_space, false, out))
BUILTIN_IS(str_isalpha, all_chars(j, self.s, jinja_is_alpha, false, out))
BUILTIN_IS(str_isalnum, all_chars(j, self.s, jinja_is_alnum, false, out))
BUILTIN_IS(str_isdigit, all_chars(j, self.s, jinja_is_digit, false, out))
BUILTIN_IS(str_isdecimal, all_chars(j, self.s, jinja_is_decimal, false, out))
BUILTIN_IS(str_isnumeric, all_chars(j, self.s, jinja_is_numeric, false, out))
BUILTIN_IS(str_isascii, all_chars(j, self.s, is_ascii, true, out))
BUILTIN_IS(str_isprintable, all_chars(j, self.s, jinja_is_printable, true, out))
BUILTIN_IS(str_islower, all_cased(j, self.s, jinja_is_lower, out))
BUILTIN_IS(str_isupper, all_cased(j, self.s, jinja_is_upper, out))

BUILTIN(str_istitle)
{
    BUILTIN_UNUSED;
    bool inside = false, some = false, ok = true;
    for (const char *p = self.s->data, *end = p + self.s->n; p < end;) {
        int32_t c = jinja_decode(&p);
        if (jinja_is_upper(c) || jinja_is_title(c)) ok &= !inside, some = true;
        else if (jinja_is_lower(c)) ok &= inside, some = true;
        inside = jinja_is_cased(c);
    }
    *out = jinja_bool(ok && some);
    return jinja_charge(j, self.s->n);
}

BUILTIN(str_isidentifier)
{
    BUILTIN_UNUSED;
    const char *p = self.s->data, *end = p + self.s->n;
    bool ok = p < end && jinja_is_name_start(jinja_decode(&p));
    while (ok && p < end) ok = jinja_is_name_char(jinja_decode(&p));
    *out = jinja_bool(ok);
    return jinja_charge(j, self.s->n);
}

BUILTIN(str_unsupported)
{
    BUILTIN_UNUSED;
    return jinja_fail(j, SUMI_EUNSUPPORTED, "this method of str is not supported in a chat template");
}

const jinja_builtin jinja_str_methods[] = {
    { "capitalize", "", str_capitalize },
    { "casefold", "", str_casefold },
    { "center", "/ width ?fillchar", str_center },
    { "count", "/ sub ?start end", str_count },
    { "encode", "*", str_unsupported },
    { "endswith", "/ suffix ?start end", str_endswith },
    { "expandtabs", "?tabsize", str_expandtabs },
    { "find", "/ sub ?start end", str_find },
    { "format", "*", str_format },
    { "format_map", "/ mapping", str_format_map },
    { "index", "/ sub ?start end", str_index },
    { "isalnum", "", str_isalnum },
    { "isalpha", "", str_isalpha },
    { "isascii", "", str_isascii },
    { "isdecimal", "", str_isdecimal },
    { "isdigit", "", str_isdigit },
    { "isidentifier", "", str_isidentifier },
    { "islower", "", str_islower },
    { "isnumeric", "", str_isnumeric },
    { "isprintable", "", str_isprintable },
    { "isspace", "", str_isspace },
    { "istitle", "", str_istitle },
    { "isupper", "", str_isupper },
    { "join", "/ iterable", str_join },
    { "ljust", "/ width ?fillchar", str_ljust },
    { "lower", "", str_lower },
    { "lstrip", "/ ?chars", str_lstrip },
    { "maketrans", "/ x ?y z", str_maketrans },
    { "partition", "/ sep", str_partition },
    { "removeprefix", "/ prefix", str_removeprefix },
    { "removesuffix", "/ suffix", str_removesuffix },
    { "replace", "/ old new ?count", str_replace },
    { "rfind", "/ sub ?start end", str_rfind },
    { "rindex", "/ sub ?start end", str_rindex },
    { "rjust", "/ width ?fillchar", str_rjust },
    { "rpartition", "/ sep", str_rpartition },
    { "rsplit", "?sep maxsplit", str_rsplit },
    { "rstrip", "/ ?chars", str_rstrip },
    { "split", "?sep maxsplit", str_split },
    { "splitlines", "?keepends", str_splitlines },
    { "startswith", "/ prefix ?start end", str_startswith },
    { "strip", "/ ?chars", str_strip },
    { "swapcase", "", str_swapcase },
    { "title", "", str_title },
    { "translate", "/ table", str_translate },
    { "upper", "", str_upper },
    { "zfill", "/ width", str_zfill },
    { NULL, NULL, NULL },
};
