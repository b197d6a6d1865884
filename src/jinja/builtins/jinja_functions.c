/* jinja_functions.c - the global functions: range, dict, namespace, cycler, joiner, raise_exception, strftime_now. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "jinja/builtins/jinja_builtins.h"

#define MAX_RANGE 100000 /* items; the sandbox of Jinja has the same limit */

BUILTIN(make_range)
{
    BUILTIN_UNUSED;
    int64_t v[3] = { 0, 0, 1 };
    if (args->n_named || args->n_pos < 1 || args->n_pos > 3) return jinja_type_error(j, "range() takes 1 to 3 numbers");
    for (int32_t i = 0; i < args->n_pos; i++)
        if (!jinja_arg_int(j, args->pos[i], 0, &v[args->n_pos == 1 ? 1 : i])) return false;
    if (v[2] == 0) return jinja_type_error(j, "range() arg 3 must not be zero");
    uint64_t span = 0, step = v[2] > 0 ? (uint64_t)v[2] : -(uint64_t)v[2];
    if (v[2] > 0 && v[0] < v[1]) span = (uint64_t)v[1] - (uint64_t)v[0];
    if (v[2] < 0 && v[0] > v[1]) span = (uint64_t)v[0] - (uint64_t)v[1];
    uint64_t n = span ? (span - 1) / step + 1 : 0;
    if (n > MAX_RANGE) return jinja_fail(j, SUMI_ELIMIT, "a range of more than %d numbers", MAX_RANGE);
    jinja_range *r = jinja_alloc(j, sizeof *r);
    if (!r) return false;
    *r = (jinja_range){ v[0], v[1], v[2], (int64_t)n };
    *out = (jinja_value){ .kind = JINJA_RANGE, .range = r };
    return true;
}

/* The pairs of an iterable that dict() may be given instead of a mapping. */
static bool add_pairs(jinja *j, jinja_dict *d, jinja_value pairs)
{
    jinja_iter *it = jinja_iterate(j, pairs);
    jinja_value v;
    int got = JINJA_ITER_FAILED;
    while (it && (got = jinja_next(j, it, &v)) == JINJA_ITER_ITEM) {
        jinja_list *pair = jinja_to_list(j, v);
        if (!pair) return false;
        if (pair->n != 2)
            return jinja_type_error(j, "dictionary update sequence element has length %zu; 2 is required", pair->n);
        if (!jinja_dict_set(j, d, pair->items[0], pair->items[1])) return false;
    }
    return got == JINJA_ITER_END;
}

static jinja_dict *dict_of(jinja *j, const jinja_args *args)
{
    jinja_dict *d = jinja_dict_new(j, 0);
    if (d && args->n_pos > 1) {
        jinja_type_error(j, "dict expected at most 1 argument, got %d", (int)args->n_pos);
        return NULL;
    }
    if (d && args->n_pos == 1 && args->pos[0].kind == JINJA_UNDEFINED) {
        jinja_fail_undefined(j, args->pos[0]);
        return NULL;
    }
    if (d && args->n_pos == 1 && args->pos[0].kind != JINJA_DICT && !add_pairs(j, d, args->pos[0])) return NULL;
    if (d && args->n_pos == 1 && args->pos[0].kind == JINJA_DICT) {
        const jinja_dict *from = args->pos[0].dict;
        for (size_t i = 0; i < from->n; i++)
            if (!jinja_dict_set(j, d, from->entries[i].key, from->entries[i].value)) return NULL;
    }
    for (int32_t k = 0; d && k < args->n_named; k++)
        if (!jinja_dict_set(j, d, jinja_of_str(args->names[k]), args->named[k])) return NULL;
    return d;
}

BUILTIN(make_dict)
{
    BUILTIN_UNUSED;
    jinja_dict *d = dict_of(j, args);
    if (d) *out = jinja_of_dict(d);
    return d != NULL;
}

BUILTIN(make_namespace)
{
    BUILTIN_UNUSED;
    jinja_dict *d = dict_of(j, args);
    for (size_t i = 0; d && i < d->n; i++) {
        jinja_value key = d->entries[i].key;
        if (key.kind == JINJA_STR && key.s->n && key.s->data[0] == '_')
            return jinja_type_error(j, "a namespace cannot have an attribute that starts with an underscore");
    }
    if (d) *out = (jinja_value){ .kind = JINJA_NAMESPACE, .dict = d };
    return d != NULL;
}

BUILTIN(make_cycler)
{
    BUILTIN_UNUSED;
    jinja_cycler *c = jinja_alloc(j, sizeof *c);
    jinja_list *items = jinja_list_new(j, (size_t)args->n_pos);
    if (!c || !items) return false;
    if (args->n_named || args->n_pos == 0) return jinja_type_error(j, "at least one item has to be provided");
    for (int32_t i = 0; i < args->n_pos; i++)
        if (!jinja_list_push(j, items, args->pos[i])) return false;
    *c = (jinja_cycler){ items, 0 };
    *out = (jinja_value){ .kind = JINJA_CYCLER, .cycler = c };
    return true;
}

BUILTIN(make_joiner)
{
    BUILTIN_UNUSED;
    jinja_joiner *joiner = jinja_alloc(j, sizeof *joiner);
    const jinja_str *comma = jinja_str_literal(j, ", ");
    if (!joiner || !comma) return false;
    *joiner = (jinja_joiner){ .separator = arg[0].kind == JINJA_MISSING ? jinja_of_str(comma) : arg[0] };
    *out = (jinja_value){ .kind = JINJA_JOINER, .joiner = joiner };
    return true;
}

/* The text is meant for the author of the messages: the error is this text alone. */
BUILTIN(raise_exception)
{
    BUILTIN_UNUSED;
    const jinja_str *words = jinja_to_str(j, arg[0]);
    if (!words || j->status != SUMI_OK) return false;
    int n = words->n > 480 ? 480 : (int)words->n;
    j->status = sumi_fail(j->err, SUMI_EINVAL, "%.*s", n, words->data);
    return false;
}

/* One directive of strftime, with its flag if it has one ("%-d"). Directives that C knows and Python passes to C are
 * passed to C; widths are not, because they could request any amount of memory. */
static void add_time(jinja_sb *sb, const struct tm *tm, int32_t us, char flag, char directive)
{
    char format[] = { '%', flag ? flag : directive, flag ? directive : '\0', '\0' }, text[256];
    if (directive == 'f') {
        snprintf(text, sizeof text, "%06d", (int)us);
        jinja_sb_add_text(sb, text);
        return;
    }
    if (directive == 'z' || directive == 'Z') return; /* a naive datetime has no zone */
    if (!strchr("aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyY%", directive)) {
        jinja_sb_add_text(sb, format);
        return;
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    jinja_sb_add(sb, text, strftime(text, sizeof text, format, tm));
#pragma GCC diagnostic pop
}

BUILTIN(strftime_now)
{
    BUILTIN_UNUSED;
    const jinja_str *format;
    struct tm tm;
    time_t seconds = (time_t)(j->now_us / 1000000);
    jinja_sb sb = { .j = j };
    if (!jinja_arg_str(j, arg[0], &format)) return false;
    if (!format || !localtime_r(&seconds, &tm)) return jinja_type_error(j, "strftime_now() needs a format");
    for (const char *p = format->data, *end = p + format->n; p < end;) {
        if (*p != '%' || p + 1 == end) {
            jinja_sb_add(&sb, p++, 1);
            continue;
        }
        p++;
        char flag = strchr("-_0^#", *p) && *p && p + 1 < end ? *p++ : '\0';
        add_time(&sb, &tm, (int32_t)(j->now_us % 1000000), flag, *p ? *p : '%');
        p++;
    }
    return jinja_give_str(jinja_sb_str(&sb), out);
}

BUILTIN(lipsum)
{
    BUILTIN_UNUSED;
    return jinja_fail(j, SUMI_EUNSUPPORTED, "lipsum() is not supported in a chat template");
}

const jinja_builtin jinja_functions[] = {
    { "cycler", "*", make_cycler },
    { "dict", "*", make_dict },
    { "joiner", "?sep", make_joiner },
    { "lipsum", "*", lipsum },
    { "namespace", "*", make_namespace },
    { "raise_exception", "message", raise_exception },
    { "range", "*", make_range },
    { "strftime_now", "format", strftime_now },
    { NULL, NULL, NULL },
};
