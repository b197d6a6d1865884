/* jinja_iter.c - walking over values: iter(), next(), len(), list(). See jinja_value.h.
 *
 * A walk is lazy, as in Python: the generator of |map or |select computes an item when it is requested, and can be walked
 * only once. */
#include "jinja/eval/jinja_value.h"

#include "jinja/eval/jinja_eval.h"
#include "jinja/str/jinja_unicode.h"

static int next_of_nothing(jinja *j, jinja_iter *it, jinja_value *out)
{
    (void)j, (void)it, (void)out;
    return JINJA_ITER_END;
}

static int next_of_list(jinja *j, jinja_iter *it, jinja_value *out)
{
    (void)j;
    if (it->pos >= it->source.list->n) return JINJA_ITER_END;
    *out = it->source.list->items[it->pos++];
    return JINJA_ITER_ITEM;
}

static int next_of_str(jinja *j, jinja_iter *it, jinja_value *out)
{
    const jinja_str *s = it->source.s;
    if (it->pos >= s->n) return JINJA_ITER_END;
    size_t n = jinja_char_bytes(s->data + it->pos);
    const jinja_str *c = jinja_str_part(j, s, it->pos, it->pos + n);
    if (!c) return JINJA_ITER_FAILED;
    it->pos += n;
    *out = jinja_of_str(c);
    return JINJA_ITER_ITEM;
}

static int next_of_keys(jinja *j, jinja_iter *it, jinja_value *out)
{
    (void)j;
    if (it->pos >= it->source.dict->n) return JINJA_ITER_END;
    *out = it->source.dict->entries[it->pos++].key;
    return JINJA_ITER_ITEM;
}

jinja_value jinja_view_at(jinja *j, jinja_value view, size_t i)
{
    const jinja_entry *e = &view.dict->entries[i];
    if (view.flag == JINJA_KEYS) return e->key;
    if (view.flag == JINJA_VALUES) return e->value;
    jinja_list *pair = jinja_list_new(j, 2);
    if (!pair || !jinja_list_push(j, pair, e->key) || !jinja_list_push(j, pair, e->value)) return jinja_missing();
    return jinja_of_tuple(pair);
}

static int next_of_view(jinja *j, jinja_iter *it, jinja_value *out)
{
    if (it->pos >= it->source.dict->n) return JINJA_ITER_END;
    *out = jinja_view_at(j, it->source, it->pos++);
    return out->kind == JINJA_MISSING ? JINJA_ITER_FAILED : JINJA_ITER_ITEM;
}

static int next_of_range(jinja *j, jinja_iter *it, jinja_value *out)
{
    (void)j;
    const jinja_range *r = it->source.range;
    if ((int64_t)it->pos >= r->n) return JINJA_ITER_END;
    *out = jinja_int(r->start + (int64_t)it->pos++ * r->step);
    return JINJA_ITER_ITEM;
}

static int next_of_loop(jinja *j, jinja_iter *it, jinja_value *out)
{
    (void)out;
    (void)it;
    jinja_fail(j, SUMI_EUNSUPPORTED, "iterating over the loop variable is not supported");
    return JINJA_ITER_FAILED;
}

jinja_iter *jinja_iter_new(jinja *j, int (*next)(jinja *, jinja_iter *, jinja_value *), jinja_value source)
{
    jinja_iter *it = jinja_alloc(j, sizeof *it);
    if (it) *it = (jinja_iter){ .next = next, .source = source };
    return it;
}

jinja_iter *jinja_iterate(jinja *j, jinja_value v)
{
    switch (v.kind) {
    case JINJA_UNDEFINED: return jinja_iter_new(j, next_of_nothing, v);
    case JINJA_STR: return jinja_iter_new(j, next_of_str, v);
    case JINJA_LIST:
    case JINJA_TUPLE: return jinja_iter_new(j, next_of_list, v);
    case JINJA_DICT: return jinja_iter_new(j, next_of_keys, v);
    case JINJA_VIEW: return jinja_iter_new(j, next_of_view, v);
    case JINJA_RANGE: return jinja_iter_new(j, next_of_range, v);
    case JINJA_ITER: return v.iter;
    case JINJA_LOOP: return jinja_iter_new(j, next_of_loop, v);
    default: jinja_type_error(j, "'%s' object is not iterable", jinja_type_name(v)); return NULL;
    }
}

bool jinja_is_iterable(jinja_value v)
{
    switch (v.kind) {
    case JINJA_UNDEFINED:
    case JINJA_STR:
    case JINJA_LIST:
    case JINJA_TUPLE:
    case JINJA_DICT:
    case JINJA_VIEW:
    case JINJA_RANGE:
    case JINJA_ITER:
    case JINJA_LOOP: return true;
    default: return false;
    }
}

/* A walk may be over another walk, as deep as a template piled them up: each level counts as nesting. */
int jinja_next(jinja *j, jinja_iter *it, jinja_value *out)
{
    if (it->ended) return JINJA_ITER_END;
    if (!jinja_charge(j, 1) || !jinja_enter(j)) return JINJA_ITER_FAILED;
    int got = it->next(j, it, out);
    jinja_leave(j);
    if (got != JINJA_ITER_ITEM) it->ended = true; /* a generator that failed or ended gives no further item */
    return got;
}

bool jinja_has_length(jinja_value v)
{
    return jinja_is_iterable(v) && v.kind != JINJA_ITER;
}

bool jinja_length(jinja *j, jinja_value v, size_t *n)
{
    switch (v.kind) {
    case JINJA_UNDEFINED: *n = 0; return true;
    case JINJA_STR: *n = v.s->n_chars; return true;
    case JINJA_LIST:
    case JINJA_TUPLE: *n = v.list->n; return true;
    case JINJA_DICT:
    case JINJA_VIEW: *n = v.dict->n; return true;
    case JINJA_RANGE: *n = (size_t)v.range->n; return true;
    case JINJA_LOOP: {
        jinja_value length;
        const jinja_str *name = jinja_str_literal(j, "length");
        if (!name || !jinja_loop_attr(j, v, name, &length)) return false;
        *n = (size_t)length.i;
        return true;
    }
    default: return jinja_type_error(j, "object of type '%s' has no len()", jinja_type_name(v));
    }
}

jinja_list *jinja_to_list(jinja *j, jinja_value v)
{
    if (v.kind == JINJA_LIST || v.kind == JINJA_TUPLE) return v.list;
    jinja_iter *it = jinja_iterate(j, v);
    jinja_list *list = it ? jinja_list_new(j, 8) : NULL;
    if (!list) return NULL;
    jinja_value item;
    int got;
    while ((got = jinja_next(j, it, &item)) == JINJA_ITER_ITEM)
        if (!jinja_list_push(j, list, item)) return NULL;
    return got == JINJA_ITER_END ? list : NULL;
}
