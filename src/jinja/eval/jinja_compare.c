/* jinja_compare.c - truth, equality, order and hashes of values, as Python defines them; and sorting. */
#include "jinja/eval/jinja_value.h"

#include <math.h>
#include <string.h>

#include "jinja/eval/jinja_eval.h"

bool jinja_truth(jinja_value v)
{
    switch (v.kind) {
    case JINJA_MISSING:
    case JINJA_UNDEFINED:
    case JINJA_NONE: return false;
    case JINJA_BOOL: return v.b;
    case JINJA_INT: return v.i != 0;
    case JINJA_FLOAT: return v.f != 0;
    case JINJA_STR: return v.s->n != 0;
    case JINJA_LIST:
    case JINJA_TUPLE: return v.list->n != 0;
    case JINJA_DICT:
    case JINJA_VIEW: return v.dict->n != 0;
    case JINJA_RANGE: return v.range->n != 0;
    default: return true;
    }
}

/* -1, 0, 1; 2 if one of them is not a number. Exact: an int and a float are compared without rounding the int, for
 * the x87 long double holds every int64. */
static int compare_numbers(jinja_value a, jinja_value b)
{
    if (a.kind != JINJA_FLOAT && b.kind != JINJA_FLOAT) {
        int64_t x = a.kind == JINJA_BOOL ? a.b : a.i, y = b.kind == JINJA_BOOL ? b.b : b.i;
        return x < y ? -1 : x > y;
    }
    long double x = a.kind == JINJA_FLOAT ? (long double)a.f : a.kind == JINJA_BOOL ? a.b : (long double)a.i;
    long double y = b.kind == JINJA_FLOAT ? (long double)b.f : b.kind == JINJA_BOOL ? b.b : (long double)b.i;
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
}

/* UTF-8 orders strings as their characters do. */
static int compare_strings(const jinja_str *a, const jinja_str *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    int order = n ? memcmp(a->data, b->data, n) : 0;
    return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

static bool equal_lists(jinja *j, const jinja_list *a, const jinja_list *b, bool *equal)
{
    *equal = a == b;
    if (a == b || a->n != b->n) return true;
    if (!jinja_enter(j)) return false;
    *equal = true;
    bool ok = true;
    for (size_t i = 0; ok && *equal && i < a->n; i++) ok = jinja_equal(j, a->items[i], b->items[i], equal);
    jinja_leave(j);
    return ok;
}

static bool equal_dicts(jinja *j, jinja_dict *a, jinja_dict *b, bool *equal)
{
    *equal = a == b;
    if (a == b || a->n != b->n) return true;
    if (!jinja_enter(j)) return false;
    *equal = true;
    bool ok = true;
    for (size_t i = 0; ok && *equal && i < a->n; i++) {
        jinja_value *other;
        ok = jinja_dict_find(j, b, a->entries[i].key, &other);
        if (!ok) break;
        *equal = other != NULL;
        if (other) ok = jinja_equal(j, a->entries[i].value, *other, equal);
    }
    jinja_leave(j);
    return ok;
}

/* Python's == for views: as sets. Values views are equal only to themselves. */
static bool equal_views(jinja *j, jinja_value a, jinja_value b, bool *equal)
{
    *equal = a.dict == b.dict && a.flag == b.flag;
    if (*equal || a.flag != b.flag || a.flag == JINJA_VALUES || a.dict->n != b.dict->n) return true;
    if (a.flag == JINJA_ITEMS) return equal_dicts(j, a.dict, b.dict, equal);
    *equal = true;
    for (size_t i = 0; *equal && i < a.dict->n; i++) {
        jinja_value *other;
        if (!jinja_dict_find(j, b.dict, a.dict->entries[i].key, &other)) return false;
        *equal = other != NULL;
    }
    return true;
}

bool jinja_equal(jinja *j, jinja_value a, jinja_value b, bool *equal)
{
    if (!jinja_charge(j, 1)) return false;
    *equal = false;
    if (jinja_is_number(a) && jinja_is_number(b)) {
        *equal = compare_numbers(a, b) == 0;
        return true;
    }
    if (a.kind != b.kind) return true;
    switch (a.kind) {
    case JINJA_STR: *equal = jinja_str_equal(a.s, b.s); return jinja_charge(j, a.s->n);
    case JINJA_LIST:
    case JINJA_TUPLE: return equal_lists(j, a.list, b.list, equal);
    case JINJA_DICT: return equal_dicts(j, a.dict, b.dict, equal);
    case JINJA_VIEW: return equal_views(j, a, b, equal);
    case JINJA_RANGE:
        *equal = a.range->n == b.range->n && (a.range->n == 0 || (a.range->start == b.range->start &&
                                                                  (a.range->n == 1 || a.range->step == b.range->step)));
        return true;
    case JINJA_UNDEFINED:
    case JINJA_NONE: *equal = true; return true;
    case JINJA_METHOD: {
        *equal = a.method->row == b.method->row && jinja_same(a.method->self, b.method->self);
        return true;
    }
    default: *equal = jinja_same(a, b); return true;
    }
}

bool jinja_same(jinja_value a, jinja_value b)
{
    if (a.kind != b.kind) return false;
    switch (a.kind) {
    case JINJA_NONE: return true;
    case JINJA_BOOL: return a.b == b.b;
    case JINJA_INT: return a.i == b.i && a.i >= -5 && a.i <= 256; /* CPython keeps one object of each of these */
    case JINJA_FLOAT: return false;
    case JINJA_STR: return a.s == b.s || (jinja_str_equal(a.s, b.s) && a.flag == b.flag && a.s->n_chars <= 1);
    case JINJA_TUPLE: return a.list == b.list || (a.list->n == 0 && b.list->n == 0);
    default: return a.dict == b.dict;
    }
}

static bool less_lists(jinja *j, jinja_value a, jinja_value b, const char *op, bool *less)
{
    bool ok = jinja_enter(j), equal = true;
    if (!ok) return false;
    size_t n = a.list->n < b.list->n ? a.list->n : b.list->n, i = 0;
    for (; ok && i < n; i++) {
        ok = jinja_equal(j, a.list->items[i], b.list->items[i], &equal);
        if (!ok || !equal) break;
    }
    if (ok && i < n) ok = jinja_less(j, a.list->items[i], b.list->items[i], op, less);
    else if (ok) *less = a.list->n < b.list->n;
    jinja_leave(j);
    return ok;
}

/* Views of keys and items are sets: less is a proper subset. */
static bool less_views(jinja *j, jinja_value a, jinja_value b, bool *less)
{
    *less = a.dict->n < b.dict->n;
    for (size_t i = 0; *less && i < a.dict->n; i++) {
        jinja_value item = jinja_view_at(j, a, i);
        if (item.kind == JINJA_MISSING || !jinja_contains(j, item, b, less)) return false;
    }
    return true;
}

bool jinja_less(jinja *j, jinja_value a, jinja_value b, const char *op, bool *less)
{
    if (!jinja_charge(j, 1)) return false;
    if (a.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, a);
    if (b.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, b);
    if (jinja_is_number(a) && jinja_is_number(b)) {
        *less = compare_numbers(a, b) == -1;
        return true;
    }
    if (a.kind == JINJA_STR && b.kind == JINJA_STR) {
        *less = compare_strings(a.s, b.s) < 0;
        return jinja_charge(j, a.s->n < b.s->n ? a.s->n : b.s->n);
    }
    if (a.kind == b.kind && (a.kind == JINJA_LIST || a.kind == JINJA_TUPLE)) return less_lists(j, a, b, op, less);
    if (a.kind == JINJA_VIEW && b.kind == JINJA_VIEW && a.flag != JINJA_VALUES && b.flag != JINJA_VALUES)
        return less_views(j, a, b, less);
    return jinja_type_error(j, "'%s' is not supported between '%s' and '%s'", op, jinja_type_name(a),
                            jinja_type_name(b));
}

bool jinja_hash(jinja *j, jinja_value v, uint64_t *hash)
{
    hash_key k = j->hash_key;
    switch (v.kind) {
    case JINJA_STR: *hash = hash_bytes(k, v.s->data, v.s->n); return jinja_charge(j, v.s->n);
    case JINJA_BOOL:
    case JINJA_INT: *hash = hash_u64(k, (uint64_t)(v.kind == JINJA_BOOL ? v.b : v.i)); return true;
    case JINJA_FLOAT: /* 1.0 and 1 are one key */
        if (v.f == floor(v.f) && fabs(v.f) < 0x1p63) *hash = hash_u64(k, (uint64_t)(int64_t)v.f);
        else *hash = hash_bytes(k, (const char *)&v.f, sizeof v.f);
        return true;
    case JINJA_TUPLE:
        if (!jinja_enter(j)) return false;
        *hash = hash_u64(k, v.list->n);
        bool ok = true;
        for (size_t i = 0; ok && i < v.list->n; i++) {
            uint64_t item;
            ok = jinja_hash(j, v.list->items[i], &item);
            if (ok) *hash = hash_u64(k, *hash ^ item);
        }
        jinja_leave(j);
        return ok;
    case JINJA_LIST:
    case JINJA_DICT:
    case JINJA_VIEW: return jinja_type_error(j, "unhashable type: '%s'", jinja_type_name(v));
    case JINJA_NONE:
    case JINJA_UNDEFINED: *hash = hash_u64(k, v.kind); return true;
    case JINJA_RANGE: *hash = hash_u64(k, (uint64_t)v.range->n); return true;
    case JINJA_METHOD: *hash = hash_u64(k, (uintptr_t)v.method->row); return true;
    default: *hash = hash_u64(k, (uintptr_t)v.dict); return true;
    }
}

/* Merges the sorted runs [low, mid) and [mid, high) of from into to. */
static bool merge(jinja *j, const jinja_value *items, const jinja_value *keys, jinja_value *to_items,
                  jinja_value *to_keys, size_t low, size_t mid, size_t high, bool reverse)
{
    size_t a = low, b = mid;
    for (size_t i = low; i < high; i++) {
        bool take_b = a == mid;
        if (a < mid && b < high) { /* equal keys keep their order, also when the order is reversed */
            bool ok = reverse ? jinja_less(j, keys[a], keys[b], "<", &take_b)
                              : jinja_less(j, keys[b], keys[a], "<", &take_b);
            if (!ok) return false;
        }
        size_t from = take_b ? b++ : a++;
        to_items[i] = items[from];
        to_keys[i] = keys[from];
    }
    return true;
}

bool jinja_sort(jinja *j, jinja_value *items, jinja_value *keys, size_t n, bool reverse)
{
    jinja_value *spare = jinja_alloc(j, 2 * n * sizeof *spare);
    if (!spare) return false;
    jinja_value *from_items = items, *from_keys = keys, *to_items = spare, *to_keys = spare + n;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t low = 0; low < n; low += 2 * run) {
            size_t mid = low + run < n ? low + run : n, high = low + 2 * run < n ? low + 2 * run : n;
            if (!merge(j, from_items, from_keys, to_items, to_keys, low, mid, high, reverse)) return false;
        }
        jinja_value *swap = from_items;
        from_items = to_items;
        to_items = swap;
        swap = from_keys;
        from_keys = to_keys;
        to_keys = swap;
    }
    if (from_items != items && n) memcpy(items, from_items, n * sizeof *items);
    return true;
}
