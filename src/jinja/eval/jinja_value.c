/* jinja_value.c - strings, lists and dicts of the template engine. See jinja_value.h.
 *
 * Growing by concatenation: values are immutable, yet `s = s + x` in a loop must not copy s each time. So the result of a
 * concatenation has a store, memory with free space after its end:
 *
 *   store: | used | cap | bytes ........ | free ..... |
 *                        ^ a.data          ^ used
 *   a + b: if a ends exactly where the used part of its store ends, and b fits, b is appended there and used moves on.
 *   a is unchanged, the new string shares its bytes, and a second `a + c` finds that a no longer ends at used.
 *
 * Free space is added only if a is itself a concatenation, doubling each time, so memory is at most a few times the final
 * length. Lists do the same with items instead of bytes. */
#include "jinja/eval/jinja_value.h"

#include <string.h>

#include "jinja/eval/jinja_eval.h"
#include "jinja/str/jinja_unicode.h"

typedef struct jinja_store {
    size_t used, cap; /* bytes or items */
} jinja_store;

const char *jinja_type_name(jinja_value v)
{
    static const char *const names[JINJA_N_KINDS] = {
        [JINJA_MISSING] = "missing", [JINJA_UNDEFINED] = "Undefined",
        [JINJA_NONE] = "NoneType",   [JINJA_BOOL] = "bool",
        [JINJA_INT] = "int",         [JINJA_FLOAT] = "float",
        [JINJA_STR] = "str",         [JINJA_LIST] = "list",
        [JINJA_TUPLE] = "tuple",     [JINJA_DICT] = "dict",
        [JINJA_VIEW] = "dict_items", [JINJA_RANGE] = "range",
        [JINJA_ITER] = "generator",  [JINJA_NAMESPACE] = "Namespace",
        [JINJA_MACRO] = "Macro",     [JINJA_FUNCTION] = "function",
        [JINJA_METHOD] = "method",   [JINJA_LOOP] = "LoopContext",
        [JINJA_CYCLER] = "Cycler",   [JINJA_JOINER] = "Joiner",
    };
    if (v.kind == JINJA_VIEW)
        return v.flag == JINJA_KEYS ? "dict_keys" : v.flag == JINJA_VALUES ? "dict_values" : "dict_items";
    if (v.kind == JINJA_STR && v.flag & JINJA_MARKUP) return "Markup";
    return names[v.kind];
}

jinja_value jinja_undefined(int flag, const jinja_str *text, jinja_kind of)
{
    return (jinja_value){ .kind = JINJA_UNDEFINED, .flag = (uint8_t)flag, .sub = (uint8_t)of, .s = text };
}

jinja_value jinja_undefined_hint(jinja *j, const char *hint)
{
    const jinja_str *text = jinja_str_literal(j, hint);
    return text ? jinja_undefined(JINJA_HINT, text, JINJA_MISSING) : jinja_missing();
}

bool jinja_fail_undefined(jinja *j, jinja_value v)
{
    int n = v.s ? (int)(v.s->n > 200 ? 200 : v.s->n) : 0;
    const char *text = v.s ? v.s->data : "", *of = jinja_type_name((jinja_value){ .kind = v.sub });
    if (v.sub == JINJA_NONE) of = "None";
    switch (v.flag) {
    case JINJA_NO_NAME: return jinja_fail(j, SUMI_EINVAL, "'%.*s' is undefined", n, text);
    case JINJA_UNSAFE:
        return jinja_fail(j, SUMI_EINVAL, "access to attribute '%.*s' of a %s is not safe, so it is refused", n, text,
                          of);
    case JINJA_NO_ATTRIBUTE:
        return jinja_fail(j, SUMI_EINVAL, "'%s%s' has no attribute '%.*s'", of, v.sub == JINJA_NONE ? "" : " object", n,
                          text);
    default: return jinja_fail(j, SUMI_EINVAL, "%.*s", n, text);
    }
}

bool jinja_as_int(jinja_value v, int64_t *i)
{
    if (v.kind == JINJA_INT) *i = v.i;
    else if (v.kind == JINJA_BOOL) *i = v.b;
    else return false;
    return true;
}

double jinja_as_double(jinja_value v)
{
    return v.kind == JINJA_FLOAT ? v.f : v.kind == JINJA_BOOL ? v.b : (double)v.i;
}

/* ---- Strings ---- */

static const jinja_str *make_str(jinja *j, const char *data, size_t n, size_t n_chars, jinja_store *store)
{
    jinja_str *s = jinja_alloc(j, sizeof *s);
    if (s) *s = (jinja_str){ data, n, n_chars, store };
    return s;
}

const jinja_str *jinja_str_borrow(jinja *j, const char *data, size_t n)
{
    if (!jinja_charge(j, n)) return NULL;
    return make_str(j, data, n, jinja_utf8_count(data, n), NULL);
}

const jinja_str *jinja_str_copy(jinja *j, const char *data, size_t n)
{
    char *copy = jinja_alloc(j, n);
    if (!copy) return NULL;
    memcpy(copy, data, n);
    return jinja_str_borrow(j, copy, n);
}

const jinja_str *jinja_str_literal(jinja *j, const char *text)
{
    return jinja_str_borrow(j, text, strlen(text));
}

const jinja_str *jinja_str_part(jinja *j, const jinja_str *s, size_t from, size_t to)
{
    size_t n = to - from;
    if (s->n == s->n_chars) return make_str(j, s->data + from, n, n, NULL); /* ASCII: nothing to count */
    return jinja_str_borrow(j, s->data + from, n);
}

const jinja_str *jinja_str_concat(jinja *j, const jinja_str *a, const jinja_str *b)
{
    if (b->n == 0 || a->n == 0) return b->n == 0 ? a : b;
    if (!jinja_charge(j, b->n)) return NULL;
    jinja_store *store = a->store;
    size_t n = a->n + b->n, n_chars = a->n_chars + b->n_chars;
    char *data = store ? (char *)(store + 1) : NULL;
    if (!store || data + store->used != a->data + a->n || b->n > store->cap - store->used) {
        size_t cap = store ? n * 2 : n;
        if (!jinja_charge(j, a->n) || !(store = jinja_alloc(j, sizeof *store + cap))) return NULL;
        data = (char *)(store + 1);
        memcpy(data, a->data, a->n);
        *store = (jinja_store){ a->n, cap };
    }
    memcpy(data + store->used, b->data, b->n);
    store->used += b->n;
    return make_str(j, data, n, n_chars, store);
}

bool jinja_str_equal(const jinja_str *a, const jinja_str *b)
{
    return a == b || (a->n == b->n && memcmp(a->data, b->data, a->n) == 0);
}

bool jinja_str_is(const jinja_str *s, const char *text)
{
    return s->n == strlen(text) && memcmp(s->data, text, s->n) == 0;
}

size_t jinja_str_offset(const jinja_str *s, size_t n_chars)
{
    if (s->n == s->n_chars) return n_chars;
    const char *p = s->data;
    while (n_chars--) p += jinja_char_bytes(p);
    return (size_t)(p - s->data);
}

/* ---- Growing text ---- */

static bool sb_reserve(jinja_sb *sb, size_t n)
{
    if (sb->failed) return false;
    if (n <= sb->cap - sb->n) return true;
    sb->failed = true;
    if (n > SIZE_MAX / 4 - sb->n) return jinja_fail(sb->j, SUMI_ELIMIT, "a string is too long");
    size_t cap = sb->cap < 64 ? 64 : sb->cap * 2;
    if (cap < sb->n + n) cap = sb->n + n;
    char *data = jinja_alloc(sb->j, cap);
    if (!data) return false;
    if (sb->n) memcpy(data, sb->data, sb->n);
    sb->data = data;
    sb->cap = cap;
    sb->failed = false;
    return true;
}

void jinja_sb_add(jinja_sb *sb, const char *data, size_t n)
{
    if (!sb_reserve(sb, n)) return;
    if (!jinja_charge(sb->j, n)) {
        sb->failed = true;
        return;
    }
    if (n) memcpy(sb->data + sb->n, data, n);
    sb->n += n;
}

void jinja_sb_add_str(jinja_sb *sb, const jinja_str *s)
{
    if (s) jinja_sb_add(sb, s->data, s->n);
    else sb->failed = true;
}

void jinja_sb_add_text(jinja_sb *sb, const char *text)
{
    jinja_sb_add(sb, text, strlen(text));
}

void jinja_sb_add_char(jinja_sb *sb, int32_t c)
{
    if (!sb_reserve(sb, 4)) return;
    sb->n += utf8_encode((uint32_t)c, sb->data + sb->n);
}

void jinja_sb_repeat(jinja_sb *sb, int32_t c, int64_t n)
{
    char one[4];
    size_t n_bytes = utf8_encode((uint32_t)c, one);
    if (n <= 0) return;
    if ((uint64_t)n > SIZE_MAX / 16) n = INT32_MAX * (int64_t)1024; /* far above every limit: refused below */
    if (!sb_reserve(sb, (size_t)n * n_bytes)) return;
    if (!jinja_charge(sb->j, (size_t)n * n_bytes)) {
        sb->failed = true;
        return;
    }
    for (; n > 0; n--, sb->n += n_bytes) memcpy(sb->data + sb->n, one, n_bytes);
}

const jinja_str *jinja_sb_str(jinja_sb *sb)
{
    if (sb->failed) return NULL;
    return jinja_str_borrow(sb->j, sb->data ? sb->data : "", sb->n);
}

/* ---- Lists ---- */

static jinja_value *store_items(jinja_store *store)
{
    return (jinja_value *)(store + 1); /* a store is 16 bytes, as a value is */
}

static jinja_store *new_item_store(jinja *j, size_t cap)
{
    if (cap > SIZE_MAX / 64) {
        jinja_fail(j, SUMI_ELIMIT, "a list is too long");
        return NULL;
    }
    jinja_store *store = jinja_alloc(j, sizeof *store + cap * sizeof(jinja_value));
    if (store) *store = (jinja_store){ 0, cap };
    return store;
}

jinja_list *jinja_list_new(jinja *j, size_t cap)
{
    jinja_list *list = jinja_alloc(j, sizeof *list);
    jinja_store *store = list ? new_item_store(j, cap) : NULL;
    if (!store) return NULL;
    *list = (jinja_list){ store_items(store), 0, store };
    return list;
}

bool jinja_list_push(jinja *j, jinja_list *list, jinja_value v)
{
    if (list->n == list->store->cap) {
        jinja_store *store = new_item_store(j, list->n < 4 ? 8 : list->n * 2);
        if (!store || !jinja_charge(j, list->n * sizeof v)) return false;
        if (list->n) memcpy(store_items(store), list->items, list->n * sizeof v);
        list->store = store;
        list->items = store_items(store);
    }
    list->items[list->n++] = v;
    list->store->used = list->n;
    return true;
}

jinja_list *jinja_list_concat(jinja *j, const jinja_list *a, const jinja_list *b)
{
    jinja_list *list = jinja_alloc(j, sizeof *list);
    if (!list || !jinja_charge(j, b->n * sizeof *b->items)) return NULL;
    jinja_store *store = a->store;
    if (!store || store_items(store) + store->used != a->items + a->n || b->n > store->cap - store->used) {
        size_t n = a->n + b->n;
        if (!jinja_charge(j, a->n * sizeof *a->items) || !(store = new_item_store(j, n * 2))) return NULL;
        if (a->n) memcpy(store_items(store), a->items, a->n * sizeof *a->items);
        store->used = a->n;
    }
    if (b->n) memcpy(store_items(store) + store->used, b->items, b->n * sizeof *b->items);
    store->used += b->n;
    *list = (jinja_list){ store_items(store) + store->used - b->n - a->n, a->n + b->n, store };
    return list;
}

/* ---- Dicts ---- */

#define FEW_ENTRIES 8 /* up to here a walk over the keys is faster than a hash */

jinja_dict *jinja_dict_new(jinja *j, size_t cap)
{
    jinja_dict *d = jinja_alloc(j, sizeof *d);
    if (!d) return NULL;
    *d = (jinja_dict){ 0 };
    if (cap > UINT32_MAX / 4) {
        jinja_fail(j, SUMI_ELIMIT, "a dict is too large");
        return NULL;
    }
    if (cap && !(d->entries = jinja_alloc(j, cap * sizeof *d->entries))) return NULL;
    d->cap = cap;
    return d;
}

/* Whether a and b are the same key of a dict: 1, 1.0 and True are one key. Both are hashable. */
static bool same_key(jinja *j, jinja_value a, jinja_value b, bool *same)
{
    if (a.kind == JINJA_STR && b.kind == JINJA_STR) {
        *same = jinja_str_equal(a.s, b.s);
        return true;
    }
    return jinja_equal(j, a, b, same);
}

static bool index_entry(jinja *j, jinja_dict *d, size_t i)
{
    uint64_t hash;
    if (!jinja_hash(j, d->entries[i].key, &hash)) return false;
    size_t slot = hash & (d->n_slots - 1);
    while (d->slots[slot]) {
        if (!jinja_charge(j, 1)) return false;
        slot = (slot + 1) & (d->n_slots - 1);
    }
    d->slots[slot] = (uint32_t)i + 1;
    return true;
}

static bool make_index(jinja *j, jinja_dict *d, size_t n_slots)
{
    uint32_t *slots = jinja_alloc(j, n_slots * sizeof *slots);
    if (!slots || !jinja_charge(j, n_slots * sizeof *slots)) return false;
    memset(slots, 0, n_slots * sizeof *slots);
    d->slots = slots;
    d->n_slots = n_slots;
    for (size_t i = 0; i < d->n; i++)
        if (!index_entry(j, d, i)) return false;
    return true;
}

/* *at is the entry of key, or d->n. */
static bool find_entry(jinja *j, jinja_dict *d, jinja_value key, size_t *at)
{
    uint64_t hash = 0;
    bool same = false;
    if (key.kind != JINJA_STR || d->slots)
        if (!jinja_hash(j, key, &hash)) return false;
    *at = d->n;
    if (!d->slots) {
        for (size_t i = 0; i < d->n; i++) {
            if (!same_key(j, d->entries[i].key, key, &same)) return false;
            if (same) {
                *at = i;
                return true;
            }
        }
        return true;
    }
    for (size_t slot = hash & (d->n_slots - 1); d->slots[slot]; slot = (slot + 1) & (d->n_slots - 1)) {
        size_t i = d->slots[slot] - 1;
        if (!jinja_charge(j, 1) || !same_key(j, d->entries[i].key, key, &same)) return false;
        if (same) {
            *at = i;
            return true;
        }
    }
    return true;
}

bool jinja_dict_set(jinja *j, jinja_dict *d, jinja_value key, jinja_value value)
{
    size_t at;
    if (!find_entry(j, d, key, &at)) return false;
    if (at < d->n) {
        d->entries[at].value = value;
        return true;
    }
    if (d->n == d->cap) {
        size_t cap = d->cap < 4 ? 4 : d->cap * 2;
        if (cap > UINT32_MAX / 4) return jinja_fail(j, SUMI_ELIMIT, "a dict is too large");
        jinja_entry *entries = jinja_alloc(j, cap * sizeof *entries);
        if (!entries) return false;
        if (d->n) memcpy(entries, d->entries, d->n * sizeof *entries);
        d->entries = entries;
        d->cap = cap;
    }
    d->entries[d->n++] = (jinja_entry){ key, value };
    if (d->n <= FEW_ENTRIES) return true;
    if (d->n * 3 / 2 >= d->n_slots) return make_index(j, d, d->n_slots ? d->n_slots * 2 : FEW_ENTRIES * 4);
    return index_entry(j, d, d->n - 1);
}

bool jinja_dict_find(jinja *j, jinja_dict *d, jinja_value key, jinja_value **out)
{
    size_t at;
    *out = NULL;
    if (!find_entry(j, d, key, &at)) return false;
    if (at < d->n) *out = &d->entries[at].value;
    return true;
}

jinja_value *jinja_dict_find_str(jinja *j, jinja_dict *d, const jinja_str *key)
{
    jinja_value *v = NULL;
    if (!jinja_dict_find(j, d, jinja_of_str(key), &v)) return NULL;
    return v;
}
