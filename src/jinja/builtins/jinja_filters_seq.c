/* jinja_filters_seq.c - filters on sequences that do not test attributes of their items: length, join, sort, unique and
 * others. */

#include "jinja/builtins/jinja_builtins.h"
#include "jinja/builtins/jinja_filters.h"
#include "jinja/str/jinja_text.h"
#include "jinja/str/jinja_unicode.h"

/* ---- Attributes by path: "a.b.0", as sort, map, join and others take them ---- */

bool jinja_path_parse(jinja *j, jinja_value attribute, jinja_path *path)
{
    *path = (jinja_path){ 0 };
    if (attribute.kind == JINJA_MISSING || attribute.kind == JINJA_NONE) return true;
    path->parts = jinja_list_new(j, 2);
    if (!path->parts) return false;
    if (attribute.kind != JINJA_STR) return jinja_list_push(j, path->parts, attribute);
    const jinja_str *dot = jinja_str_literal(j, "."), *s;
    jinja_list *parts = dot ? jinja_text_split(j, attribute.s, dot, -1, false) : NULL;
    for (size_t i = 0; parts && i < parts->n; i++) {
        int64_t number;
        s = parts->items[i].s;
        bool digits = s->n > 0;
        for (size_t k = 0; k < s->n; k++) digits &= s->data[k] >= '0' && s->data[k] <= '9';
        jinja_value part = digits && jinja_parse_int(s, 10, &number) ? jinja_int(number) : parts->items[i];
        if (!jinja_list_push(j, path->parts, part)) return false;
    }
    return parts != NULL;
}

bool jinja_path_get(jinja *j, const jinja_path *path, jinja_value item, jinja_value *out)
{
    *out = item;
    for (size_t i = 0; path->parts && i < path->parts->n; i++) {
        if (!jinja_get_item(j, *out, path->parts->items[i], out)) return false;
        if (out->kind == JINJA_UNDEFINED && path->fallback.kind != JINJA_MISSING && path->fallback.kind != JINJA_NONE)
            *out = path->fallback;
    }
    if (!path->ignore_case || out->kind != JINJA_STR) return true;
    return jinja_give_str(jinja_text_case(j, out->s, JINJA_LOWER), out);
}

/* ---- Simple ones ---- */

BUILTIN(filter_length)
{
    BUILTIN_UNUSED;
    size_t n;
    if (!jinja_length(j, self, &n)) return false;
    *out = jinja_int((int64_t)n);
    return true;
}

BUILTIN(filter_default)
{
    BUILTIN_UNUSED;
    bool replace = self.kind == JINJA_UNDEFINED || (jinja_truth(arg[1]) && !jinja_truth(self));
    *out = self;
    if (!replace) return true;
    *out = arg[0];
    if (arg[0].kind != JINJA_MISSING) return true;
    return jinja_give_str(jinja_str_literal(j, ""), out);
}

BUILTIN(filter_first)
{
    BUILTIN_UNUSED;
    jinja_iter *it = jinja_iterate(j, self);
    int got = it ? jinja_next(j, it, out) : JINJA_ITER_FAILED;
    if (got == JINJA_ITER_END) *out = jinja_undefined_hint(j, "No first item, sequence was empty.");
    return got != JINJA_ITER_FAILED && out->kind != JINJA_MISSING;
}

BUILTIN(filter_last)
{
    BUILTIN_UNUSED;
    size_t n;
    if (!jinja_has_length(self) || self.kind == JINJA_LOOP)
        return jinja_type_error(j, "'%s' object is not reversible", jinja_type_name(self));
    if (!jinja_length(j, self, &n)) return false;
    if (n == 0) {
        *out = jinja_undefined_hint(j, "No last item, sequence was empty.");
        return out->kind != JINJA_MISSING;
    }
    if (self.kind == JINJA_DICT) *out = self.dict->entries[n - 1].key;
    else if (self.kind == JINJA_VIEW) *out = jinja_view_at(j, self, n - 1);
    else {
        self.flag = 0;
        return jinja_get_item(j, self, jinja_int((int64_t)n - 1), out);
    }
    return out->kind != JINJA_MISSING;
}

BUILTIN(filter_list)
{
    BUILTIN_UNUSED;
    jinja_list *list = jinja_to_list(j, self);
    if (list) *out = jinja_of_list(list);
    return list != NULL;
}

BUILTIN(filter_join)
{
    BUILTIN_UNUSED;
    const jinja_str *separator = arg[0].kind == JINJA_MISSING ? jinja_str_literal(j, "") : jinja_to_str(j, arg[0]);
    jinja_path path;
    jinja_iter *it = jinja_iterate(j, self);
    jinja_sb sb = { .j = j };
    jinja_value v;
    int got = JINJA_ITER_FAILED;
    if (!separator || !it || !jinja_path_parse(j, arg[1], &path)) return false;
    for (bool first = true; (got = jinja_next(j, it, &v)) == JINJA_ITER_ITEM; first = false) {
        if (!first) jinja_sb_add_str(&sb, separator);
        if (!jinja_path_get(j, &path, v, &v)) return false;
        jinja_sb_add_str(&sb, jinja_to_str(j, v));
        if (sb.failed) return false;
    }
    return jinja_give_str(got == JINJA_ITER_END ? jinja_sb_str(&sb) : NULL, out);
}

/* Any item: chosen again in each rendering. */
BUILTIN(filter_random)
{
    BUILTIN_UNUSED;
    size_t n;
    if (!jinja_length(j, self, &n)) return false;
    if (n == 0) {
        *out = jinja_undefined_hint(j, "No random item, sequence was empty.");
        return out->kind != JINJA_MISSING;
    }
    if (self.kind != JINJA_STR && self.kind != JINJA_LIST && self.kind != JINJA_TUPLE && self.kind != JINJA_RANGE)
        return jinja_type_error(j, "'%s' object has no items by number", jinja_type_name(self));
    return jinja_get_item(j, self, jinja_int((int64_t)(hash_u64(j->hash_key, j->steps) % n)), out);
}

static bool reverse_str(jinja *j, jinja_value self, jinja_value *out)
{
    return jinja_get_slice(j, self, jinja_missing(), jinja_missing(), jinja_int(-1), out);
}

static int next_reversed(jinja *j, jinja_iter *it, jinja_value *out)
{
    if (it->pos == 0) return JINJA_ITER_END;
    it->pos--;
    jinja_value s = it->source;
    switch (s.kind) {
    case JINJA_DICT: *out = s.dict->entries[it->pos].key; break;
    case JINJA_VIEW: *out = jinja_view_at(j, s, it->pos); break;
    case JINJA_RANGE: *out = jinja_int(s.range->start + (int64_t)it->pos * s.range->step); break;
    default: *out = s.list->items[it->pos]; break;
    }
    return out->kind == JINJA_MISSING ? JINJA_ITER_FAILED : JINJA_ITER_ITEM;
}

BUILTIN(filter_reverse)
{
    BUILTIN_UNUSED;
    size_t n;
    if (self.kind == JINJA_STR) return reverse_str(j, self, out);
    if (!jinja_is_iterable(self) || self.kind == JINJA_LOOP) return jinja_type_error(j, "argument must be iterable");
    if (self.kind == JINJA_ITER || self.kind == JINJA_UNDEFINED) { /* a list, where the others give an iterator */
        jinja_list *list = jinja_to_list(j, self), *back = list ? jinja_list_new(j, list->n) : NULL;
        for (size_t i = 0; back && i < list->n; i++)
            if (!jinja_list_push(j, back, list->items[list->n - 1 - i])) return false;
        if (back) *out = jinja_of_list(back);
        return back != NULL;
    }
    jinja_iter *it = jinja_iter_new(j, next_reversed, self);
    if (!it || !jinja_length(j, self, &n)) return false;
    it->pos = n;
    *out = jinja_of_iter(it);
    return true;
}

static int next_item_pair(jinja *j, jinja_iter *it, jinja_value *out)
{
    jinja_value d = it->source;
    if (d.kind == JINJA_UNDEFINED) return JINJA_ITER_END;
    if (d.kind != JINJA_DICT) {
        jinja_type_error(j, "Can only get item pairs from a mapping.");
        return JINJA_ITER_FAILED;
    }
    if (it->pos >= d.dict->n) return JINJA_ITER_END;
    jinja_value view = { .kind = JINJA_VIEW, .flag = JINJA_ITEMS, .dict = d.dict };
    *out = jinja_view_at(j, view, it->pos++);
    return out->kind == JINJA_MISSING ? JINJA_ITER_FAILED : JINJA_ITER_ITEM;
}

BUILTIN(filter_items)
{
    BUILTIN_UNUSED;
    jinja_iter *it = jinja_iter_new(j, next_item_pair, self);
    if (it) *out = jinja_of_iter(it);
    return it != NULL;
}

/* obj.name without a fall back to obj["name"] */
BUILTIN(filter_attr)
{
    BUILTIN_UNUSED;
    const jinja_str *name;
    if (!jinja_arg_str(j, arg[0], &name)) return false;
    if (!name) return jinja_type_error(j, "attribute name must be string");
    if (self.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, self);
    if (self.kind == JINJA_DICT && !jinja_find_method(self, name)) {
        *out = jinja_undefined(JINJA_NO_ATTRIBUTE, name, JINJA_DICT);
        return true;
    }
    return jinja_get_attr(j, self, name, out);
}

/* ---- Order ---- */

/* Copies of the items of v, and room for as many keys. */
static bool copy_items(jinja *j, jinja_value v, jinja_list **list, jinja_value **keys)
{
    jinja_list *from = jinja_to_list(j, v);
    *list = from ? jinja_list_new(j, from->n) : NULL;
    for (size_t i = 0; *list && i < from->n; i++)
        if (!jinja_list_push(j, *list, from->items[i])) return false;
    *keys = *list ? jinja_alloc(j, (from->n + 1) * sizeof **keys) : NULL;
    return *keys != NULL;
}

/* A list of the attributes that "a,b.c" names, as the key of an item. */
static bool multi_key(jinja *j, const jinja_path *paths, size_t n, jinja_value item, jinja_value *out)
{
    jinja_list *key = jinja_list_new(j, n);
    for (size_t i = 0; key && i < n; i++) {
        jinja_value v;
        if (!jinja_path_get(j, &paths[i], item, &v) || !jinja_list_push(j, key, v)) return false;
    }
    if (key) *out = jinja_of_list(key);
    return key != NULL;
}

BUILTIN(filter_sort)
{
    BUILTIN_UNUSED;
    int64_t reverse;
    jinja_list *list, *names = NULL;
    jinja_value *keys;
    const jinja_str *comma = jinja_str_literal(j, ",");
    if (!comma || !copy_items(j, self, &list, &keys)) return false;
    if (arg[2].kind == JINJA_STR && !(names = jinja_text_split(j, arg[2].s, comma, -1, false))) return false;
    size_t n = names ? names->n : 1;
    jinja_path *paths = jinja_alloc(j, n * sizeof *paths);
    for (size_t i = 0; i < n; i++) {
        if (!paths || !jinja_path_parse(j, names ? names->items[i] : arg[2], &paths[i])) return false;
        paths[i].ignore_case = !jinja_truth(arg[1]);
    }
    for (size_t i = 0; i < list->n; i++)
        if (!multi_key(j, paths, n, list->items[i], &keys[i])) return false;
    *out = jinja_of_list(list);
    return jinja_arg_int(j, arg[0], 0, &reverse) && jinja_sort(j, list->items, keys, list->n, reverse != 0);
}

BUILTIN(filter_dictsort)
{
    BUILTIN_UNUSED;
    int64_t reverse;
    jinja_list *list;
    jinja_value *keys;
    bool by_value = arg[1].kind == JINJA_STR && jinja_str_is(arg[1].s, "value");
    if (arg[1].kind != JINJA_MISSING && !by_value && !(arg[1].kind == JINJA_STR && jinja_str_is(arg[1].s, "key")))
        return jinja_type_error(j, "You can only sort by either \"key\" or \"value\"");
    if (self.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, self);
    if (self.kind != JINJA_DICT)
        return jinja_type_error(j, "'%s' object has no attribute 'items'", jinja_type_name(self));
    jinja_value items = { .kind = JINJA_VIEW, .flag = JINJA_ITEMS, .dict = self.dict };
    jinja_path path = { .ignore_case = !jinja_truth(arg[0]) };
    if (!copy_items(j, items, &list, &keys)) return false;
    for (size_t i = 0; i < list->n; i++)
        if (!jinja_path_get(j, &path, list->items[i].list->items[by_value], &keys[i])) return false;
    *out = jinja_of_list(list);
    return jinja_arg_int(j, arg[2], 0, &reverse) && jinja_sort(j, list->items, keys, list->n, reverse != 0);
}

static bool extreme(jinja *j, jinja_value self, const jinja_value *arg, bool max, jinja_value *out)
{
    jinja_path path;
    jinja_iter *it = jinja_iterate(j, self);
    jinja_value v, key, best_key = jinja_missing();
    int got = JINJA_ITER_FAILED;
    if (!it || !jinja_path_parse(j, arg[1], &path)) return false;
    path.ignore_case = !jinja_truth(arg[0]);
    while ((got = jinja_next(j, it, &v)) == JINJA_ITER_ITEM) {
        bool better = best_key.kind == JINJA_MISSING;
        if (!jinja_path_get(j, &path, v, &key)) return false;
        if (!better && !(max ? jinja_less(j, best_key, key, ">", &better) : jinja_less(j, key, best_key, "<", &better)))
            return false;
        if (!better) continue;
        *out = v;
        best_key = key;
    }
    if (best_key.kind == JINJA_MISSING) *out = jinja_undefined_hint(j, "No aggregated item, sequence was empty.");
    return got == JINJA_ITER_END && out->kind != JINJA_MISSING;
}

BUILTIN_IS(filter_min, extreme(j, self, arg, false, out))
BUILTIN_IS(filter_max, extreme(j, self, arg, true, out))

BUILTIN(filter_sum)
{
    BUILTIN_UNUSED;
    jinja_path path;
    jinja_iter *it = jinja_iterate(j, self);
    jinja_value v;
    int got = JINJA_ITER_FAILED;
    *out = arg[1].kind == JINJA_MISSING ? jinja_int(0) : arg[1];
    if (!it || !jinja_path_parse(j, arg[0], &path)) return false;
    if (out->kind == JINJA_STR) return jinja_type_error(j, "sum() can't sum strings [use ''.join(seq) instead]");
    while ((got = jinja_next(j, it, &v)) == JINJA_ITER_ITEM)
        if (!jinja_path_get(j, &path, v, &v) || !jinja_binary(j, JINJA_ADD, *out, v, out)) return false;
    return got == JINJA_ITER_END;
}

/* ---- Grouping ---- */

typedef struct unique_state {
    jinja_path path;
    jinja_dict *seen;
} unique_state;

static int next_unique(jinja *j, jinja_iter *it, jinja_value *out)
{
    unique_state *u = it->state;
    int got;
    while ((got = jinja_next(j, it->inner, out)) == JINJA_ITER_ITEM) {
        jinja_value key, *found;
        if (!jinja_path_get(j, &u->path, *out, &key) || !jinja_dict_find(j, u->seen, key, &found))
            return JINJA_ITER_FAILED;
        if (found) continue;
        return jinja_dict_set(j, u->seen, key, jinja_none()) ? JINJA_ITER_ITEM : JINJA_ITER_FAILED;
    }
    return got;
}

BUILTIN(filter_unique)
{
    BUILTIN_UNUSED;
    unique_state *u = jinja_alloc(j, sizeof *u);
    jinja_iter *it = jinja_iter_new(j, next_unique, self);
    if (!u || !it || !jinja_path_parse(j, arg[1], &u->path)) return false;
    u->path.ignore_case = !jinja_truth(arg[0]);
    u->seen = jinja_dict_new(j, 0);
    it->inner = jinja_iterate(j, self);
    it->state = u;
    *out = jinja_of_iter(it);
    return u->seen && it->inner;
}

static bool push_group(jinja *j, jinja_list *groups, jinja_value key, jinja_list *items)
{
    jinja_list *pair = jinja_list_new(j, 2);
    if (!pair || !jinja_list_push(j, pair, key) || !jinja_list_push(j, pair, jinja_of_list(items))) return false;
    jinja_value group = jinja_of_tuple(pair);
    group.flag = 1; /* it also answers to .grouper and .list */
    return jinja_list_push(j, groups, group);
}

BUILTIN(filter_groupby)
{
    BUILTIN_UNUSED;
    jinja_path path;
    jinja_list *list, *groups = jinja_list_new(j, 4);
    jinja_value *keys, real;
    if (!groups || !jinja_path_parse(j, arg[0], &path) || !copy_items(j, self, &list, &keys)) return false;
    path.fallback = arg[1];
    path.ignore_case = !jinja_truth(arg[2]);
    for (size_t i = 0; i < list->n; i++)
        if (!jinja_path_get(j, &path, list->items[i], &keys[i])) return false;
    if (!jinja_sort(j, list->items, keys, list->n, false)) return false;
    path.ignore_case = false;
    for (size_t i = 0, end; i < list->n; i = end) {
        jinja_value key, other;
        jinja_list *items = jinja_list_new(j, 4);
        path.ignore_case = !jinja_truth(arg[2]);
        if (!items || !jinja_path_get(j, &path, list->items[i], &key)) return false;
        bool same = true;
        for (end = i; end < list->n; end++) {
            if (!jinja_path_get(j, &path, list->items[end], &other) || !jinja_equal(j, key, other, &same)) return false;
            if (!same) break;
            if (!jinja_list_push(j, items, list->items[end])) return false;
        }
        path.ignore_case = false; /* a group has the unchanged key of its first item */
        if (!jinja_path_get(j, &path, list->items[i], &real) || !push_group(j, groups, real, items)) return false;
    }
    *out = jinja_of_list(groups);
    return true;
}

typedef struct batch_state {
    int64_t size;
    jinja_value fill, next; /* next: the first item of the next batch; MISSING: not known yet */
} batch_state;

static int next_batch(jinja *j, jinja_iter *it, jinja_value *out)
{
    batch_state *b = it->state;
    jinja_list *list = jinja_list_new(j, 4);
    jinja_value v = b->next;
    if (!list || (v.kind != JINJA_MISSING && !jinja_list_push(j, list, v))) return JINJA_ITER_FAILED;
    int got;
    while ((got = jinja_next(j, it->inner, &v)) == JINJA_ITER_ITEM) {
        b->next = v;
        if ((int64_t)list->n == b->size) { /* a size of 0 gives one empty batch, then the rest, as in Jinja */
            *out = jinja_of_list(list);
            return JINJA_ITER_ITEM;
        }
        if (!jinja_list_push(j, list, v)) return JINJA_ITER_FAILED;
    }
    b->next = jinja_missing();
    if (got == JINJA_ITER_FAILED || list->n == 0) return got;
    while (b->fill.kind != JINJA_NONE && b->fill.kind != JINJA_MISSING && (int64_t)list->n < b->size)
        if (!jinja_charge(j, 1) || !jinja_list_push(j, list, b->fill)) return JINJA_ITER_FAILED;
    *out = jinja_of_list(list);
    return JINJA_ITER_ITEM;
}

BUILTIN(filter_batch)
{
    BUILTIN_UNUSED;
    batch_state *b = jinja_alloc(j, sizeof *b);
    jinja_iter *it = jinja_iter_new(j, next_batch, self);
    if (!b || !it || !jinja_arg_int(j, arg[0], 0, &b->size)) return false;
    b->fill = arg[1];
    b->next = jinja_missing();
    it->inner = jinja_iterate(j, self);
    it->state = b;
    *out = jinja_of_iter(it);
    return it->inner != NULL;
}

BUILTIN(filter_slice)
{
    BUILTIN_UNUSED;
    int64_t n;
    jinja_list *seq = jinja_to_list(j, self), *all = jinja_list_new(j, 4);
    if (!seq || !all || !jinja_arg_int(j, arg[0], 0, &n)) return false;
    if (n == 0) return jinja_type_error(j, "integer division or modulo by zero");
    int64_t each = (int64_t)seq->n / n, extra = (int64_t)seq->n % n, at = 0;
    for (int64_t i = 0; i < n; i++) {
        jinja_list *part = jinja_list_new(j, 4);
        int64_t end = at + each + (i < extra);
        for (; part && at < end; at++)
            if (!jinja_list_push(j, part, seq->items[at])) return false;
        bool fill = arg[1].kind != JINJA_MISSING && arg[1].kind != JINJA_NONE && i >= extra;
        if (!part || (fill && !jinja_list_push(j, part, arg[1])) || !jinja_list_push(j, all, jinja_of_list(part)))
            return false;
        if (!jinja_charge(j, 1)) return false;
    }
    jinja_iter *it = jinja_iterate(j, jinja_of_list(all));
    if (it) *out = jinja_of_iter(it);
    return it != NULL;
}

const jinja_builtin jinja_sequence_filters[] = {
    { "attr", "name", filter_attr },
    { "batch", "linecount ?fill_with", filter_batch },
    { "count", "", filter_length },
    { "d", "?default_value boolean", filter_default },
    { "default", "?default_value boolean", filter_default },
    { "dictsort", "?case_sensitive by reverse", filter_dictsort },
    { "first", "", filter_first },
    { "groupby", "attribute ?default case_sensitive", filter_groupby },
    { "items", "", filter_items },
    { "join", "?d attribute", filter_join },
    { "last", "", filter_last },
    { "length", "", filter_length },
    { "list", "", filter_list },
    { "max", "?case_sensitive attribute", filter_max },
    { "min", "?case_sensitive attribute", filter_min },
    { "random", "", filter_random },
    { "reverse", "", filter_reverse },
    { "slice", "slices ?fill_with", filter_slice },
    { "sort", "?reverse case_sensitive attribute", filter_sort },
    { "sum", "?attribute start", filter_sum },
    { "unique", "?case_sensitive attribute", filter_unique },
    { NULL, NULL, NULL },
};
