/* jinja_text.c - see jinja_text.h. */
#include "jinja/str/jinja_text.h"

#include <string.h>

#include "jinja/eval/jinja_eval.h"
#include "jinja/str/jinja_unicode.h"

/* ---- Case ---- */

/* Whether the sigma at p ends a word: a cased character before it and none after it, skipping ignorable ones. */
static bool is_final_sigma(const jinja_str *s, const char *p)
{
    const char *q = p, *end = s->data + s->n;
    int32_t c = 0;
    while (q > s->data && jinja_is_case_ignorable(c = jinja_decode_back(&q))) c = 0;
    if (!c || !jinja_is_cased(c)) return false;
    jinja_decode(&p);
    c = 0;
    while (p < end && jinja_is_case_ignorable(c = jinja_decode(&p))) c = 0;
    return !c || !jinja_is_cased(c);
}

static void add_lower(jinja_sb *sb, const jinja_str *s, const char *p)
{
    int32_t mapped[3];
    const char *q = p;
    int32_t c = jinja_decode(&q);
    if (c == 0x3a3) {
        if (jinja_charge(sb->j, s->n > 256 ? 256 : s->n)) jinja_sb_add_char(sb, is_final_sigma(s, p) ? 0x3c2 : 0x3c3);
        return;
    }
    int n = jinja_to_lower(c, mapped);
    for (int i = 0; i < n; i++) jinja_sb_add_char(sb, mapped[i]);
}

static const jinja_str *ascii_case(jinja *j, const jinja_str *s, jinja_case how)
{
    char *out = jinja_alloc(j, s->n);
    if (!out || !jinja_charge(j, s->n)) return NULL;
    for (size_t i = 0; i < s->n; i++) {
        char c = s->data[i];
        if (how == JINJA_UPPER && c >= 'a' && c <= 'z') c -= 32;
        if (how == JINJA_LOWER && c >= 'A' && c <= 'Z') c += 32;
        out[i] = c;
    }
    return jinja_str_borrow(j, out, s->n);
}

const jinja_str *jinja_text_case(jinja *j, const jinja_str *s, jinja_case how)
{
    if (s->n == s->n_chars && (how == JINJA_UPPER || how == JINJA_LOWER)) return ascii_case(j, s, how);
    jinja_sb sb = { .j = j };
    bool inside = false; /* a word, for title case */
    if (!jinja_charge(j, s->n)) return NULL;
    for (const char *p = s->data, *end = p + s->n; p < end && !sb.failed;) {
        const char *from = p;
        int32_t c = jinja_decode(&p), mapped[3];
        int n = 0;
        bool to_title = (how == JINJA_TITLE && !inside) || (how == JINJA_CAPITALIZE && from == s->data);
        if (to_title) n = jinja_to_title(c, mapped);
        else if (how == JINJA_UPPER || (how == JINJA_SWAPCASE && jinja_is_lower(c))) n = jinja_to_upper(c, mapped);
        else if (how == JINJA_SWAPCASE && !jinja_is_upper(c)) mapped[n++] = c;
        else add_lower(&sb, s, from);
        for (int i = 0; i < n; i++) jinja_sb_add_char(&sb, mapped[i]);
        inside = jinja_is_cased(c);
    }
    return jinja_sb_str(&sb);
}

static bool ends_word(int32_t c)
{
    return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || jinja_is_space(c);
}

const jinja_str *jinja_text_title_words(jinja *j, const jinja_str *s)
{
    jinja_sb sb = { .j = j };
    for (const char *p = s->data, *end = p + s->n, *q; p < end && !sb.failed; p = q) {
        int32_t c, mapped[3];
        q = p;
        if (ends_word(c = jinja_decode(&q))) {
            jinja_sb_add(&sb, p, (size_t)(q - p));
            continue;
        }
        int n = jinja_to_upper(c, mapped);
        for (int i = 0; i < n; i++) jinja_sb_add_char(&sb, mapped[i]);
        size_t rest = (size_t)(q - s->data); /* of the word, in lower case */
        while (q < end) {
            const char *next = q;
            if (ends_word(jinja_decode(&next))) break;
            q = next;
        }
        const jinja_str *tail = jinja_str_part(j, s, rest, (size_t)(q - s->data));
        jinja_sb_add_str(&sb, tail ? jinja_text_case(j, tail, JINJA_LOWER) : NULL);
    }
    return jinja_sb_str(&sb);
}

const jinja_str *jinja_text_casefold(jinja *j, const jinja_str *s)
{
    jinja_sb sb = { .j = j };
    for (const char *p = s->data, *end = p + s->n; p < end && !sb.failed;) {
        int32_t folded[4];
        int n = jinja_casefold(jinja_decode(&p), folded);
        for (int i = 0; i < n; i++) jinja_sb_add_char(&sb, folded[i]);
    }
    return jinja_sb_str(&sb);
}

/* ---- Cutting ---- */

static bool in_set(const jinja_str *chars, int32_t c)
{
    for (const char *p = chars->data, *end = p + chars->n; p < end;)
        if (jinja_decode(&p) == c) return true;
    return false;
}

const jinja_str *jinja_text_strip(jinja *j, const jinja_str *s, const jinja_str *chars, bool left, bool right)
{
    const char *p = s->data, *end = p + s->n;
    while (left && p < end) {
        const char *q = p;
        int32_t c = jinja_decode(&q);
        if (chars ? !in_set(chars, c) : !jinja_is_space(c)) break;
        if (chars && !jinja_charge(j, chars->n)) return NULL;
        p = q;
    }
    while (right && end > p) {
        const char *q = end;
        int32_t c = jinja_decode_back(&q);
        if (chars ? !in_set(chars, c) : !jinja_is_space(c)) break;
        if (chars && !jinja_charge(j, chars->n)) return NULL;
        end = q;
    }
    if (end - p == (ptrdiff_t)s->n) return s;
    return jinja_str_part(j, s, (size_t)(p - s->data), (size_t)(end - s->data));
}

size_t jinja_text_find(const jinja_str *s, const jinja_str *sub, size_t from, size_t to, bool last)
{
    if (from > to || sub->n > to - from) return SIZE_MAX;
    if (!last) {
        const char *p = sub->n ? memmem(s->data + from, to - from, sub->data, sub->n) : s->data + from;
        return p ? (size_t)(p - s->data) : SIZE_MAX;
    }
    for (size_t at = to - sub->n;; at--) {
        if (memcmp(s->data + at, sub->data, sub->n) == 0) return at;
        if (at == from) return SIZE_MAX;
    }
}

const jinja_str *jinja_text_replace(jinja *j, const jinja_str *s, const jinja_str *old, const jinja_str *by,
                                    int64_t count)
{
    jinja_sb sb = { .j = j };
    size_t at = 0, found;
    if (!jinja_charge(j, s->n)) return NULL;
    while (count != 0 && !sb.failed && (found = jinja_text_find(s, old, at, s->n, false)) != SIZE_MAX) {
        if (old->n == 0) { /* between all characters, and at both ends */
            jinja_sb_add_str(&sb, by);
            size_t n = at < s->n ? jinja_char_bytes(s->data + at) : 0;
            jinja_sb_add(&sb, s->data + at, n);
            at += n;
            if (n == 0) return jinja_sb_str(&sb);
        } else {
            jinja_sb_add(&sb, s->data + at, found - at);
            jinja_sb_add_str(&sb, by);
            at = found + old->n;
        }
        count--;
    }
    if (at == 0) return sb.failed ? NULL : s;
    jinja_sb_add(&sb, s->data + at, s->n - at);
    return jinja_sb_str(&sb);
}

static bool push_part(jinja *j, jinja_list *list, const jinja_str *s, size_t from, size_t to)
{
    const jinja_str *part = jinja_str_part(j, s, from, to);
    return part && jinja_list_push(j, list, jinja_of_str(part));
}

static void reverse_list(jinja_list *list)
{
    for (size_t i = 0; i < list->n / 2; i++) {
        jinja_value swap = list->items[i];
        list->items[i] = list->items[list->n - 1 - i];
        list->items[list->n - 1 - i] = swap;
    }
}

static jinja_list *split_space(jinja *j, const jinja_str *s, int64_t max)
{
    jinja_list *list = jinja_list_new(j, 4);
    const char *p = s->data, *end = p + s->n, *q;
    while (list) {
        for (; p < end; p = q) {
            q = p;
            if (!jinja_is_space(jinja_decode(&q))) break;
        }
        if (p == end) break;
        const char *from = p;
        if (max-- == 0) return push_part(j, list, s, (size_t)(from - s->data), s->n) ? list : NULL;
        for (; p < end; p = q) {
            q = p;
            if (jinja_is_space(jinja_decode(&q))) break;
        }
        if (!push_part(j, list, s, (size_t)(from - s->data), (size_t)(p - s->data))) return NULL;
    }
    return list;
}

static jinja_list *split_space_right(jinja *j, const jinja_str *s, int64_t max)
{
    jinja_list *list = jinja_list_new(j, 4);
    const char *p = s->data + s->n, *start = s->data, *q;
    while (list) {
        for (; p > start; p = q) {
            q = p;
            if (!jinja_is_space(jinja_decode_back(&q))) break;
        }
        if (p == start) break;
        const char *end = p;
        if (max-- == 0) {
            if (!push_part(j, list, s, 0, (size_t)(end - start))) return NULL;
            break;
        }
        for (; p > start; p = q) {
            q = p;
            if (jinja_is_space(jinja_decode_back(&q))) break;
        }
        if (!push_part(j, list, s, (size_t)(p - start), (size_t)(end - start))) return NULL;
    }
    if (list) reverse_list(list);
    return list;
}

jinja_list *jinja_text_split(jinja *j, const jinja_str *s, const jinja_str *sep, int64_t max, bool from_right)
{
    if (max < 0) max = INT64_MAX;
    if (!jinja_charge(j, s->n)) return NULL;
    if (!sep) return from_right ? split_space_right(j, s, max) : split_space(j, s, max);
    if (sep->n == 0) {
        jinja_type_error(j, "empty separator");
        return NULL;
    }
    jinja_list *list = jinja_list_new(j, 4);
    size_t from = 0, to = s->n, at;
    while (list && max-- > 0 && (at = jinja_text_find(s, sep, from, to, from_right)) != SIZE_MAX) {
        bool ok = from_right ? push_part(j, list, s, at + sep->n, to) : push_part(j, list, s, from, at);
        if (!ok) return NULL;
        if (from_right) to = at;
        else from = at + sep->n;
    }
    if (!list || !push_part(j, list, s, from, to)) return NULL;
    if (from_right) reverse_list(list);
    return list;
}

jinja_list *jinja_text_lines(jinja *j, const jinja_str *s, bool keep_ends)
{
    jinja_list *list = jinja_list_new(j, 4);
    size_t from = 0;
    for (const char *p = s->data, *end = p + s->n; list && p < end;) {
        size_t at = (size_t)(p - s->data);
        int32_t c = jinja_decode(&p);
        if (!jinja_is_line_end(c)) continue;
        if (c == '\r' && p < end && *p == '\n') p++;
        size_t behind = (size_t)(p - s->data);
        if (!push_part(j, list, s, from, keep_ends ? behind : at)) return NULL;
        from = behind;
    }
    if (!list || (from < s->n && !push_part(j, list, s, from, s->n))) return NULL;
    return list;
}

const jinja_str *jinja_text_pad(jinja *j, const jinja_str *s, int64_t width, int32_t fill, char align)
{
    int64_t room = width > (int64_t)s->n_chars ? width - (int64_t)s->n_chars : 0;
    if (room == 0) return s;
    /* str.center() gives the odd blank to the left if the width is odd too */
    int64_t left = align == '<' ? 0 : align == '>' ? room : room / 2 + (room & width & 1);
    jinja_sb sb = { .j = j };
    jinja_sb_repeat(&sb, fill, left);
    jinja_sb_add_str(&sb, s);
    jinja_sb_repeat(&sb, fill, room - left);
    return jinja_sb_str(&sb);
}
