/* jinja_repr.c - values as text: Python's str() and repr(), and json.dumps(). See jinja_value.h.
 *
 * Floats are written with the fewest digits that read back as the same number, in Python's layout. The C library's
 * printf and strtod are exact, so trying 1 to 17 digits finds them; the renderer has the "C" locale set. */
#include "jinja/eval/jinja_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jinja/eval/jinja_eval.h"
#include "jinja/str/jinja_unicode.h"

void jinja_float_repr(double f, char out[40])
{
    if (isnan(f) || isinf(f)) {
        strcpy(out, isnan(f) ? "nan" : f < 0 ? "-inf" : "inf");
        return;
    }
    char sci[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(sci, sizeof sci, "%.*e", digits - 1, f);
        if (strtod(sci, NULL) == f) break;
    }
    int exponent = atoi(strchr(sci, 'e') + 1);
    int n_digits = 0;
    char digits[40] = { 0 };
    for (const char *p = sci; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') digits[n_digits++] = *p;
    char *q = out;
    if (sci[0] == '-') *q++ = '-';
    if (exponent >= 16 || exponent < -4) {
        *q++ = digits[0];
        if (n_digits > 1) *q++ = '.';
        for (int i = 1; i < n_digits; i++) *q++ = digits[i];
        sprintf(q, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0) {
        q += sprintf(q, "0.");
        for (int i = -1; i > exponent; i--) *q++ = '0';
        for (int i = 0; i < n_digits; i++) *q++ = digits[i];
    } else {
        for (int i = 0; i < n_digits || i <= exponent; i++) {
            if (i == exponent + 1) *q++ = '.';
            *q++ = i < n_digits ? digits[i] : '0';
        }
        if (n_digits <= exponent + 1) q += sprintf(q, ".0");
    }
    *q = '\0';
}

static void repr_str(jinja_sb *sb, const jinja_str *s)
{
    bool single = memchr(s->data, '\'', s->n), both = single && memchr(s->data, '"', s->n);
    char quote = single && !both ? '"' : '\'';
    jinja_sb_add(sb, &quote, 1);
    for (const char *p = s->data, *end = p + s->n; p < end && !sb->failed;) {
        const char *from = p;
        int32_t c = jinja_decode(&p);
        char text[16];
        if (c == quote || c == '\\') snprintf(text, sizeof text, "\\%c", (char)c);
        else if (c == '\n') strcpy(text, "\\n");
        else if (c == '\r') strcpy(text, "\\r");
        else if (c == '\t') strcpy(text, "\\t");
        else if (jinja_is_printable(c)) {
            jinja_sb_add(sb, from, (size_t)(p - from));
            continue;
        } else snprintf(text, sizeof text, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
        jinja_sb_add_text(sb, text);
    }
    jinja_sb_add(sb, &quote, 1);
}

static void repr_items(jinja_sb *sb, const jinja_list *list, const char *open, const char *close, bool tuple)
{
    jinja_sb_add_text(sb, open);
    for (size_t i = 0; i < list->n && !sb->failed; i++) {
        if (i) jinja_sb_add(sb, ", ", 2);
        jinja_repr(sb, list->items[i]);
    }
    if (tuple && list->n == 1) jinja_sb_add(sb, ",", 1);
    jinja_sb_add_text(sb, close);
}

static void repr_dict(jinja_sb *sb, const jinja_dict *d)
{
    jinja_sb_add(sb, "{", 1);
    for (size_t i = 0; i < d->n && !sb->failed; i++) {
        if (i) jinja_sb_add(sb, ", ", 2);
        jinja_repr(sb, d->entries[i].key);
        jinja_sb_add(sb, ": ", 2);
        jinja_repr(sb, d->entries[i].value);
    }
    jinja_sb_add(sb, "}", 1);
}

static void repr_view(jinja_sb *sb, jinja_value v)
{
    jinja_sb_add_text(sb, jinja_type_name(v));
    jinja_sb_add(sb, "([", 2);
    for (size_t i = 0; i < v.dict->n && !sb->failed; i++) {
        if (i) jinja_sb_add(sb, ", ", 2);
        const jinja_entry *e = &v.dict->entries[i];
        if (v.flag == JINJA_ITEMS) {
            jinja_sb_add(sb, "(", 1);
            jinja_repr(sb, e->key);
            jinja_sb_add(sb, ", ", 2);
            jinja_repr(sb, e->value);
            jinja_sb_add(sb, ")", 1);
        } else jinja_repr(sb, v.flag == JINJA_KEYS ? e->key : e->value);
    }
    jinja_sb_add(sb, "])", 2);
}

/* Objects that Python prints with an address, which no template can depend on. */
static void repr_object(jinja_sb *sb, jinja_value v)
{
    char text[200];
    switch (v.kind) {
    case JINJA_RANGE:
        if (v.range->step == 1)
            snprintf(text, sizeof text, "range(%lld, %lld)", (long long)v.range->start, (long long)v.range->stop);
        else
            snprintf(text, sizeof text, "range(%lld, %lld, %lld)", (long long)v.range->start, (long long)v.range->stop,
                     (long long)v.range->step);
        break;
    case JINJA_LOOP: {
        jinja_value length;
        const jinja_str *name = jinja_str_literal(sb->j, "length");
        if (!name || !jinja_loop_attr(sb->j, v, name, &length)) {
            sb->failed = true;
            return;
        }
        snprintf(text, sizeof text, "<LoopContext %lld/%lld>", (long long)v.loop->index0 + 1, (long long)length.i);
        break;
    }
    case JINJA_MACRO:
        if (v.macro->node->kind == NODE_CALL_BLOCK) strcpy(text, "<Macro anonymous>");
        else {
            jinja_sb_add_text(sb, "<Macro ");
            repr_str(sb, v.macro->node->macro.name);
            strcpy(text, ">");
        }
        break;
    case JINJA_FUNCTION: snprintf(text, sizeof text, "<function %s>", v.function->name); break;
    case JINJA_METHOD: snprintf(text, sizeof text, "<built-in method %s>", v.method->row->name); break;
    default: snprintf(text, sizeof text, "<%s object>", jinja_type_name(v)); break;
    }
    jinja_sb_add_text(sb, text);
}

static void repr_value(jinja_sb *sb, jinja_value v)
{
    char text[40];
    switch (v.kind) {
    case JINJA_MISSING:
    case JINJA_UNDEFINED: jinja_sb_add_text(sb, "Undefined"); break;
    case JINJA_NONE: jinja_sb_add_text(sb, "None"); break;
    case JINJA_BOOL: jinja_sb_add_text(sb, v.b ? "True" : "False"); break;
    case JINJA_INT: jinja_sb_add(sb, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v.i)); break;
    case JINJA_FLOAT:
        jinja_float_repr(v.f, text);
        jinja_sb_add_text(sb, text);
        break;
    case JINJA_STR:
        if (v.flag & JINJA_MARKUP) jinja_sb_add_text(sb, "Markup(");
        repr_str(sb, v.s);
        if (v.flag & JINJA_MARKUP) jinja_sb_add_text(sb, ")");
        break;
    case JINJA_LIST: repr_items(sb, v.list, "[", "]", false); break;
    case JINJA_TUPLE: repr_items(sb, v.list, "(", ")", true); break;
    case JINJA_DICT: repr_dict(sb, v.dict); break;
    case JINJA_VIEW: repr_view(sb, v); break;
    case JINJA_NAMESPACE:
        jinja_sb_add_text(sb, "<Namespace ");
        repr_dict(sb, v.dict);
        jinja_sb_add_text(sb, ">");
        break;
    default: repr_object(sb, v); break;
    }
}

void jinja_repr(jinja_sb *sb, jinja_value v)
{
    if (sb->failed) return;
    if (!jinja_enter(sb->j)) {
        sb->failed = true;
        return;
    }
    repr_value(sb, v);
    jinja_leave(sb->j);
}

const jinja_str *jinja_to_str(jinja *j, jinja_value v)
{
    if (v.kind == JINJA_STR) return v.s;
    if (v.kind == JINJA_UNDEFINED) return jinja_str_literal(j, "");
    jinja_sb sb = { .j = j };
    jinja_repr(&sb, v);
    return jinja_sb_str(&sb);
}

/* ---- JSON ---- */

static void json_str(jinja_sb *sb, const jinja_str *s, bool ascii)
{
    jinja_sb_add(sb, "\"", 1);
    const char *p = s->data, *end = p + s->n, *plain = p;
    while (p < end && !sb->failed) {
        const char *from = p;
        int32_t c = jinja_decode(&p);
        if (c >= 0x20 && c != '"' && c != '\\' && !(ascii && c >= 0x7f)) continue;
        static const char escaped[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";
        const char *known = c ? strchr(escaped, c < 0x80 ? c : 1) : NULL;
        char text[16];
        if (known) snprintf(text, sizeof text, "\\%c", letters[known - escaped]);
        else if (c < 0x10000) snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
        else
            snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xd800 + ((unsigned)c - 0x10000) / 0x400,
                     0xdc00 + ((unsigned)c - 0x10000) % 0x400);
        jinja_sb_add(sb, plain, (size_t)(from - plain));
        jinja_sb_add_text(sb, text);
        plain = p;
    }
    jinja_sb_add(sb, plain, (size_t)(end - plain));
    jinja_sb_add(sb, "\"", 1);
}

static void json_float(jinja_sb *sb, double f)
{
    char text[40];
    jinja_float_repr(f, text);
    jinja_sb_add_text(sb, isnan(f) ? "NaN" : isinf(f) ? (f < 0 ? "-Infinity" : "Infinity") : text);
}

static void json_newline(jinja_sb *sb, const jinja_json_opts *o, int level)
{
    if (!o->indent) return;
    jinja_sb_add(sb, "\n", 1);
    for (int i = 0; i < level && !sb->failed; i++) jinja_sb_add_str(sb, o->indent);
}

static bool json_value(jinja_sb *sb, jinja_value v, const jinja_json_opts *o, int level);

static bool json_list(jinja_sb *sb, const jinja_list *list, const jinja_json_opts *o, int level)
{
    jinja_sb_add(sb, "[", 1);
    for (size_t i = 0; i < list->n; i++) {
        if (i) jinja_sb_add_str(sb, o->item_separator);
        json_newline(sb, o, level + 1);
        if (!json_value(sb, list->items[i], o, level + 1)) return false;
    }
    if (list->n) json_newline(sb, o, level);
    jinja_sb_add(sb, "]", 1);
    return !sb->failed;
}

/* The entries of d, sorted by key if o requests it. */
static const jinja_entry *json_entries(jinja *j, jinja_dict *d, const jinja_json_opts *o)
{
    if (!o->sort_keys || d->n < 2) return d->entries;
    jinja_value *order = jinja_alloc(j, 2 * d->n * sizeof *order), *keys = order ? order + d->n : NULL;
    jinja_entry *sorted = jinja_alloc(j, d->n * sizeof *sorted);
    if (!order || !sorted) return NULL;
    for (size_t i = 0; i < d->n; i++) {
        order[i] = jinja_int((int64_t)i);
        keys[i] = d->entries[i].key;
    }
    if (!jinja_sort(j, order, keys, d->n, false)) return NULL;
    for (size_t i = 0; i < d->n; i++) sorted[i] = d->entries[order[i].i];
    return sorted;
}

static bool json_key(jinja_sb *sb, jinja_value key, const jinja_json_opts *o)
{
    switch (key.kind) {
    case JINJA_STR: json_str(sb, key.s, o->ascii); return true;
    case JINJA_NONE:
    case JINJA_BOOL:
    case JINJA_INT:
    case JINJA_FLOAT:
        jinja_sb_add(sb, "\"", 1);
        if (!json_value(sb, key, o, 0)) return false;
        jinja_sb_add(sb, "\"", 1);
        return true;
    default: return jinja_type_error(sb->j, "keys must be str, int, float, bool or None, not %s", jinja_type_name(key));
    }
}

static bool json_dict(jinja_sb *sb, jinja_dict *d, const jinja_json_opts *o, int level)
{
    const jinja_entry *entries = json_entries(sb->j, d, o);
    if (!entries && d->n) return false;
    jinja_sb_add(sb, "{", 1);
    for (size_t i = 0; i < d->n; i++) {
        if (i) jinja_sb_add_str(sb, o->item_separator);
        json_newline(sb, o, level + 1);
        if (!json_key(sb, entries[i].key, o)) return false;
        jinja_sb_add_str(sb, o->key_separator);
        if (!json_value(sb, entries[i].value, o, level + 1)) return false;
    }
    if (d->n) json_newline(sb, o, level);
    jinja_sb_add(sb, "}", 1);
    return !sb->failed;
}

static bool json_container(jinja_sb *sb, jinja_value v, const jinja_json_opts *o, int level)
{
    if (!jinja_enter(sb->j)) return false;
    bool ok = v.kind == JINJA_DICT ? json_dict(sb, v.dict, o, level) : json_list(sb, v.list, o, level);
    jinja_leave(sb->j);
    return ok;
}

static bool json_value(jinja_sb *sb, jinja_value v, const jinja_json_opts *o, int level)
{
    switch (v.kind) {
    case JINJA_NONE: jinja_sb_add_text(sb, "null"); break;
    case JINJA_BOOL: jinja_sb_add_text(sb, v.b ? "true" : "false"); break;
    case JINJA_INT: repr_value(sb, v); break;
    case JINJA_FLOAT: json_float(sb, v.f); break;
    case JINJA_STR: json_str(sb, v.s, o->ascii); break;
    case JINJA_LIST:
    case JINJA_TUPLE:
    case JINJA_DICT: return json_container(sb, v, o, level);
    default: return jinja_type_error(sb->j, "Object of type %s is not JSON serializable", jinja_type_name(v));
    }
    return !sb->failed;
}

bool jinja_to_json(jinja_sb *sb, jinja_value v, const jinja_json_opts *opts)
{
    return json_value(sb, v, opts, 0);
}
