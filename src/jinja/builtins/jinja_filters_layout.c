/* jinja_filters_layout.c - filters that lay text out in lines: wordwrap, pprint.
 *
 * wordwrap works like Python's textwrap with Jinja's options, pprint like pprint.pformat
 * (80 columns, one blank per level, dicts sorted by key). Both count characters, not columns. */
#include <string.h>

#include "jinja/builtins/jinja_builtins.h"
#include "jinja/str/jinja_text.h"
#include "jinja/str/jinja_unicode.h"

/* ---- wordwrap ---- */

/* A paragraph as characters, so that chunks can see their neighbours. */
typedef struct wrapper {
    jinja *j;
    int32_t *c;
    size_t n;
    size_t width;
    bool split_hyphens, break_hyphens, break_long;
    jinja_list *lines;
} wrapper;

static bool is_blank(int32_t c) /* the white space of textwrap: that of ASCII */
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter_at(const wrapper *w, size_t i)
{
    return i < w->n && jinja_is_word(w->c[i]) && !jinja_is_decimal(w->c[i]);
}

/* "--" or more between two words: the end of the dashes at i; i if there are none. */
static size_t skip_dash(const wrapper *w, size_t i)
{
    size_t end = i;
    bool behind_word = i > 0 && (jinja_is_word(w->c[i - 1]) || (w->c[i - 1] < 0x80 && strchr("!\"'&.,?", w->c[i - 1])));
    while (end < w->n && w->c[end] == '-') end++;
    return behind_word && end >= i + 2 && end < w->n && jinja_is_word(w->c[end]) ? end : i;
}

/* Whether a word may be cut after its hyphen at i: letters on both sides, as in "goof-ball" or "e-mail-free". */
static bool is_hyphen(const wrapper *w, size_t i)
{
    if (w->c[i] != '-' || i < 2) return false;
    bool before = is_letter_at(w, i - 1) &&
                  (is_letter_at(w, i - 2) || (i >= 3 && w->c[i - 2] == '-' && is_letter_at(w, i - 3)));
    bool after = is_letter_at(w, i + 1) &&
                 (is_letter_at(w, i + 2) || (i + 2 < w->n && w->c[i + 2] == '-' && is_letter_at(w, i + 3)));
    return before && after;
}

/* The end of the chunk that starts at i: white space, dashes between words, or (a part of) a word. */
static size_t chunk_end(const wrapper *w, size_t i)
{
    size_t end = i;
    if (is_blank(w->c[i])) {
        while (end < w->n && is_blank(w->c[end])) end++;
        return end;
    }
    if (w->split_hyphens && (end = skip_dash(w, i)) > i) return end;
    for (end = i + 1; end < w->n && !is_blank(w->c[end]); end++) {
        if (!w->split_hyphens) continue;
        if (is_hyphen(w, end)) return end + 1;
        if (skip_dash(w, end) > end) return end;
    }
    return end;
}

static bool all_blank(const wrapper *w, size_t from, size_t to) /* str.strip() leaves nothing */
{
    for (; from < to; from++)
        if (!jinja_is_space(w->c[from])) return false;
    return true;
}

/* Where to cut the word [i, end), of which room characters fit. */
static size_t cut_word(const wrapper *w, size_t i, size_t end, size_t room)
{
    size_t hyphen = i + (end - i < room ? end - i : room);
    if (!w->break_hyphens || end - i <= room) return i + room;
    while (hyphen > i && w->c[hyphen - 1] != '-') hyphen--;
    bool other = false; /* something but hyphens before it */
    for (size_t k = i; k + 1 < hyphen; k++) other |= w->c[k] != '-';
    return other ? hyphen : i + room;
}

static bool push_line(wrapper *w, size_t from, size_t to)
{
    jinja_sb sb = { .j = w->j };
    for (size_t i = from; i < to; i++) jinja_sb_add_char(&sb, w->c[i]);
    const jinja_str *s = jinja_sb_str(&sb);
    return s && jinja_list_push(w->j, w->lines, jinja_of_str(s));
}

static bool wrap_paragraph(wrapper *w)
{
    size_t n_before = w->lines->n, i = 0, end = w->n ? chunk_end(w, 0) : 0; /* the next chunk is [i, end) */
    while (i < w->n) {
        if (!jinja_charge(w->j, w->width < w->n ? w->width : w->n)) return false;
        if (w->lines->n > n_before && all_blank(w, i, end)) {
            i = end;
            end = i < w->n ? chunk_end(w, i) : i;
        }
        size_t start = i, last = i; /* the line is [start, i), its last chunk starts at last */
        while (i < w->n && end - start <= w->width) {
            last = i;
            i = end;
            end = i < w->n ? chunk_end(w, i) : i;
        }
        if (i < w->n && end - i > w->width) { /* a word that fits into no line */
            if (w->break_long) {
                last = i;
                i = cut_word(w, i, end, w->width - (i - start));
            } else if (i == start) {
                last = i;
                i = end;
                end = i < w->n ? chunk_end(w, i) : i;
            }
        }
        size_t stop = i > start && all_blank(w, last, i) ? last : i;
        if (stop > start && !push_line(w, start, stop)) return false;
    }
    return true;
}

BUILTIN(filter_wordwrap)
{
    BUILTIN_UNUSED;
    int64_t width;
    const jinja_str *separator = jinja_str_literal(j, "\n");
    if (self.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, self);
    if (self.kind != JINJA_STR)
        return jinja_type_error(j, "'%s' object has no attribute 'splitlines'", jinja_type_name(self));
    if (arg[2].kind != JINJA_MISSING && arg[2].kind != JINJA_NONE && !jinja_arg_str(j, arg[2], &separator))
        return false;
    jinja_list *paragraphs = jinja_text_lines(j, self.s, false);
    wrapper w = { .j = j,
                  .break_long = arg[1].kind == JINJA_MISSING || jinja_truth(arg[1]),
                  .break_hyphens = arg[3].kind == JINJA_MISSING || jinja_truth(arg[3]),
                  .split_hyphens = arg[3].kind == JINJA_MISSING || (arg[3].kind == JINJA_BOOL && arg[3].b),
                  .lines = jinja_list_new(j, 4) };
    jinja_sb sb = { .j = j };
    if (!separator || !paragraphs || !w.lines || !jinja_arg_int(j, arg[0], 79, &width)) return false;
    if (width <= 0 && paragraphs->n) return jinja_type_error(j, "invalid width %lld (must be > 0)", (long long)width);
    w.width = (size_t)width;
    w.c = jinja_alloc(j, (self.s->n_chars + 1) * sizeof *w.c);
    if (!w.c) return false;
    for (size_t i = 0; i < paragraphs->n; i++) {
        const jinja_str *s = paragraphs->items[i].s;
        w.n = 0;
        for (const char *p = s->data, *end = p + s->n; p < end;) w.c[w.n++] = jinja_decode(&p);
        size_t before = w.lines->n;
        if (!wrap_paragraph(&w)) return false;
        if (i) jinja_sb_add_str(&sb, separator);
        for (size_t k = before; k < w.lines->n; k++) {
            if (k > before) jinja_sb_add_str(&sb, separator);
            jinja_sb_add_str(&sb, w.lines->items[k].s);
        }
    }
    return jinja_give_str(jinja_sb_str(&sb), out);
}

/* ---- pprint ---- */

#define PPRINT_WIDTH 80

/* v with all its dicts sorted by key. Markup and groups of |groupby have their own repr() and are not changed. */
static bool sort_dicts(jinja *j, jinja_value v, jinja_value *out);

static bool sort_list(jinja *j, jinja_value v, jinja_value *out)
{
    jinja_list *list = jinja_list_new(j, v.list->n);
    for (size_t i = 0; list && i < v.list->n; i++) {
        jinja_value item;
        if (!sort_dicts(j, v.list->items[i], &item) || !jinja_list_push(j, list, item)) return false;
    }
    *out = v;
    out->list = list;
    return list != NULL;
}

/* Keys of types that have no order among each other are sorted by the names of their types. */
static int type_rank(jinja_value v)
{
    return v.kind == JINJA_NONE ? 0 : jinja_is_number(v) ? 1 : v.kind == JINJA_STR ? 3 : v.kind == JINJA_TUPLE ? 4 : 2;
}

static bool sort_dict(jinja *j, jinja_value v, jinja_value *out)
{
    size_t n = v.dict->n;
    jinja_value *order = jinja_alloc(j, (n + 1) * sizeof *order), *keys = jinja_alloc(j, (n + 1) * sizeof *keys);
    jinja_dict *d = jinja_dict_new(j, n);
    if (!order || !keys || !d) return false;
    for (size_t i = 0; i < n; i++) {
        jinja_list *key = jinja_list_new(j, 2);
        bool ok = key && jinja_list_push(j, key, jinja_int(type_rank(v.dict->entries[i].key))) &&
                  (v.dict->entries[i].key.kind == JINJA_NONE || jinja_list_push(j, key, v.dict->entries[i].key));
        if (!ok) return false;
        order[i] = jinja_int((int64_t)i);
        keys[i] = jinja_of_list(key);
    }
    if (!jinja_sort(j, order, keys, n, false)) return false;
    for (size_t i = 0; i < n; i++) {
        const jinja_entry *e = &v.dict->entries[order[i].i];
        jinja_value value;
        if (!sort_dicts(j, e->value, &value) || !jinja_dict_set(j, d, e->key, value)) return false;
    }
    *out = jinja_of_dict(d);
    return true;
}

static bool sort_dicts(jinja *j, jinja_value v, jinja_value *out)
{
    *out = v;
    if (!jinja_enter(j)) return false;
    bool ok = true;
    if (v.kind == JINJA_DICT) ok = sort_dict(j, v, out);
    else if (v.kind == JINJA_LIST || (v.kind == JINJA_TUPLE && !v.flag)) ok = sort_list(j, v, out);
    jinja_leave(j);
    return ok;
}

/* The place of a value: columns before it, columns that must be free after it, its depth (1: the outermost). */
typedef struct place {
    int64_t indent, allowance;
    int level;
} place;

static bool print_value(jinja_sb *sb, jinja_value v, place at);

static const jinja_str *repr_of(jinja *j, jinja_value v)
{
    jinja_sb sb = { .j = j };
    jinja_repr(&sb, v);
    return jinja_sb_str(&sb);
}

static void new_line(jinja_sb *sb, const char *before, int64_t indent)
{
    jinja_sb_add_text(sb, before);
    jinja_sb_add(sb, "\n", 1);
    jinja_sb_repeat(sb, ' ', indent);
}

static bool print_list(jinja_sb *sb, jinja_value v, place at)
{
    bool tuple = v.kind == JINJA_TUPLE;
    const char *close = !tuple ? "]" : v.list->n == 1 ? ",)" : ")";
    at.allowance += (int64_t)strlen(close);
    at.indent++;
    jinja_sb_add_text(sb, tuple ? "(" : "[");
    for (size_t i = 0; i < v.list->n; i++) {
        bool last = i + 1 == v.list->n;
        if (i) new_line(sb, ",", at.indent);
        if (!print_value(sb, v.list->items[i], (place){ at.indent, last ? at.allowance : 1, at.level })) return false;
    }
    jinja_sb_add_text(sb, close);
    return !sb->failed;
}

static bool print_dict(jinja_sb *sb, jinja_value v, place at)
{
    at.indent++;
    at.allowance++;
    jinja_sb_add(sb, "{", 1);
    for (size_t i = 0; i < v.dict->n; i++) {
        bool last = i + 1 == v.dict->n;
        const jinja_str *key = repr_of(sb->j, v.dict->entries[i].key);
        if (!key) return false;
        if (i) new_line(sb, ",", at.indent);
        jinja_sb_add_str(sb, key);
        jinja_sb_add(sb, ": ", 2);
        place inner = { at.indent + (int64_t)key->n_chars + 2, last ? at.allowance : 1, at.level };
        if (!print_value(sb, v.dict->entries[i].value, inner)) return false;
    }
    jinja_sb_add(sb, "}", 1);
    return !sb->failed;
}

/* The pieces of one line of a string (words with the white space after them), joined as long as they fit. */
static bool cut_line(jinja *j, const jinja_str *line, bool last_line, int64_t width, int64_t allowance,
                     jinja_list *chunks)
{
    size_t from = 0; /* start of the joined part, which ends at `at` */
    for (size_t at = 0, end = 0; at < line->n; at = end) {
        const char *p = line->data + at, *stop = line->data + line->n, *q = p;
        for (bool space = false; p < stop; p = q) {
            bool is = jinja_is_space(jinja_decode(&q));
            if (space && !is) break;
            space |= is;
        }
        end = (size_t)(p - line->data);
        if (end == line->n && last_line) width -= allowance;
        const jinja_str *joined = jinja_str_part(j, line, from, end),
                        *repr = joined ? repr_of(j, jinja_of_str(joined)) : NULL;
        if (!repr) return false;
        if ((int64_t)repr->n_chars <= width || from == at) continue;
        joined = jinja_str_part(j, line, from, at);
        repr = joined ? repr_of(j, jinja_of_str(joined)) : NULL;
        if (!repr || !jinja_list_push(j, chunks, jinja_of_str(repr))) return false;
        from = at;
    }
    const jinja_str *rest = jinja_str_part(j, line, from, line->n),
                    *repr = rest ? repr_of(j, jinja_of_str(rest)) : NULL;
    return repr && (from == line->n || jinja_list_push(j, chunks, jinja_of_str(repr)));
}

static bool print_str(jinja_sb *sb, const jinja_str *s, place at)
{
    jinja *j = sb->j;
    bool parentheses = at.level == 1;
    at.indent += parentheses;
    at.allowance += parentheses;
    int64_t width = PPRINT_WIDTH - at.indent;
    jinja_list *lines = jinja_text_lines(j, s, true), *chunks = lines ? jinja_list_new(j, lines->n) : NULL;
    const jinja_str *repr = NULL;
    for (size_t i = 0; chunks && i < lines->n; i++) {
        bool last = i + 1 == lines->n;
        if (!(repr = repr_of(j, lines->items[i]))) return false;
        if ((int64_t)repr->n_chars <= width - (last ? at.allowance : 0)) {
            if (!jinja_list_push(j, chunks, jinja_of_str(repr))) return false;
        } else if (!cut_line(j, lines->items[i].s, last, width, at.allowance, chunks)) return false;
    }
    if (!chunks) return false;
    if (chunks->n == 1) {
        jinja_sb_add_str(sb, repr);
        return !sb->failed;
    }
    if (parentheses) jinja_sb_add(sb, "(", 1);
    for (size_t i = 0; i < chunks->n; i++) {
        if (i) new_line(sb, "", at.indent);
        jinja_sb_add_str(sb, chunks->items[i].s);
    }
    if (parentheses) jinja_sb_add(sb, ")", 1);
    return !sb->failed;
}

static bool print_value(jinja_sb *sb, jinja_value v, place at)
{
    const jinja_str *repr = repr_of(sb->j, v);
    if (!repr || !jinja_enter(sb->j)) return false;
    bool fits = (int64_t)repr->n_chars <= PPRINT_WIDTH - at.indent - at.allowance, ok = true;
    at.level++;
    if (!fits && v.kind == JINJA_STR && !v.flag && v.s->n) ok = print_str(sb, v.s, at);
    else if (!fits && v.kind == JINJA_DICT) ok = print_dict(sb, v, at);
    else if (!fits && (v.kind == JINJA_LIST || (v.kind == JINJA_TUPLE && !v.flag))) ok = print_list(sb, v, at);
    else jinja_sb_add_str(sb, repr);
    jinja_leave(sb->j);
    return ok && !sb->failed;
}

BUILTIN(filter_pprint)
{
    BUILTIN_UNUSED;
    jinja_value sorted;
    jinja_sb sb = { .j = j };
    return sort_dicts(j, self, &sorted) && print_value(&sb, sorted, (place){ 0 }) &&
           jinja_give_str(jinja_sb_str(&sb), out);
}

const jinja_builtin jinja_layout_filters[] = {
    { "pprint", "", filter_pprint },
    { "wordwrap", "?width break_long_words wrapstring break_on_hyphens", filter_wordwrap },
    { NULL, NULL, NULL },
};
