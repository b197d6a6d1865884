/* jinja_filters_select.c - map, select, reject, selectattr, rejectattr: filters that call filters and tests. They give
 * generators, which do their work item by item while they are walked, as in Jinja. */
#include "jinja/builtins/jinja_builtins.h"
#include "jinja/builtins/jinja_filters.h"

typedef struct apply_state {
    jinja_path path;          /* selectattr, rejectattr, map(attribute=...): the attribute */
    const jinja_builtin *row; /* the filter or test; NULL: none */
    jinja_args args;          /* its arguments */
    bool wanted;              /* keep items for which the test gives this */
} apply_state;

/* Copies arguments from `from` on, for the call's own are gone when the generator is walked. */
static bool keep_args(jinja *j, const jinja_args *args, int32_t from, jinja_args *out)
{
    size_t n_pos = args->n_pos > from ? (size_t)(args->n_pos - from) : 0, n_named = (size_t)args->n_named;
    jinja_value *values = jinja_alloc(j, (n_pos + n_named) * sizeof *values);
    const jinja_str **names = jinja_alloc(j, n_named * sizeof *names);
    if (!values || !names) return false;
    for (size_t i = 0; i < n_pos; i++) values[i] = args->pos[(size_t)from + i];
    for (size_t i = 0; i < n_named; i++) {
        values[n_pos + i] = args->named[i];
        names[i] = args->names[i];
    }
    *out = (jinja_args){ values, (int32_t)n_pos, names, values + n_pos, (int32_t)n_named };
    return true;
}

/* A generator over self, or an empty one if self is false (Jinja's generators begin with "if value:"). */
static bool make_generator(jinja *j, jinja_value self, int (*next)(jinja *, jinja_iter *, jinja_value *),
                           apply_state *state, jinja_value *out)
{
    jinja_iter *it = jinja_iter_new(j, next, self);
    if (!it) return false;
    it->state = state;
    it->ended = !jinja_truth(self);
    *out = jinja_of_iter(it);
    return true;
}

/* The walk of the source begins when the first item is requested. */
static int next_source(jinja *j, jinja_iter *it, jinja_value *out)
{
    if (!it->inner && !(it->inner = jinja_iterate(j, it->source))) return JINJA_ITER_FAILED;
    return jinja_next(j, it->inner, out);
}

/* The row that an argument names, or an error. */
static const jinja_builtin *find_row(jinja *j, jinja_value name, bool filter)
{
    const jinja_builtin *row = NULL;
    if (name.kind == JINJA_STR)
        row = filter ? jinja_find_filter(name.s->data, name.s->n) : jinja_find_test(name.s->data, name.s->n);
    if (row) return row;
    int n = name.kind == JINJA_STR ? (int)(name.s->n > 100 ? 100 : name.s->n) : 0;
    jinja_fail(j, SUMI_EINVAL, "no %s named '%.*s'", filter ? "filter" : "test", n, n ? name.s->data : "");
    return NULL;
}

/* ---- map ---- */

static int next_mapped(jinja *j, jinja_iter *it, jinja_value *out)
{
    apply_state *a = it->state;
    jinja_value v;
    int got = next_source(j, it, &v);
    if (got != JINJA_ITER_ITEM) return got;
    bool ok;
    if (a->path.parts) ok = jinja_path_get(j, &a->path, v, out);
    else {
        if (!a->row && !(a->row = find_row(j, a->path.fallback, true))) return JINJA_ITER_FAILED;
        ok = jinja_call_builtin(j, a->row, v, &a->args, out);
    }
    return ok ? JINJA_ITER_ITEM : JINJA_ITER_FAILED;
}

BUILTIN(filter_map)
{
    BUILTIN_UNUSED;
    apply_state *a = jinja_alloc(j, sizeof *a);
    if (!a) return false;
    *a = (apply_state){ 0 };
    if (args->n_pos == 0) {
        jinja_value attribute = jinja_missing(), fallback = jinja_missing();
        for (int32_t k = 0; k < args->n_named; k++) {
            if (jinja_str_is(args->names[k], "attribute")) attribute = args->named[k];
            else if (jinja_str_is(args->names[k], "default")) fallback = args->named[k];
            else return jinja_type_error(j, "map() got an unexpected keyword argument");
        }
        if (attribute.kind == JINJA_MISSING) return jinja_type_error(j, "map requires a filter argument");
        if (!jinja_path_parse(j, attribute, &a->path)) return false;
        if (!a->path.parts && !(a->path.parts = jinja_list_new(j, 0))) return false;
        a->path.fallback = fallback;
        return make_generator(j, self, next_mapped, a, out);
    }
    a->path.fallback = args->pos[0]; /* the filter's name, looked up at the first item */
    return keep_args(j, args, 1, &a->args) && make_generator(j, self, next_mapped, a, out);
}

/* ---- select and similar filters ---- */

static int next_selected(jinja *j, jinja_iter *it, jinja_value *out)
{
    apply_state *a = it->state;
    int got;
    while ((got = next_source(j, it, out)) == JINJA_ITER_ITEM) {
        jinja_value v, passed;
        if (!jinja_path_get(j, &a->path, *out, &v)) return JINJA_ITER_FAILED;
        if (a->row && !jinja_call_builtin(j, a->row, v, &a->args, &passed)) return JINJA_ITER_FAILED;
        if (jinja_truth(a->row ? passed : v) == a->wanted) break;
    }
    return got;
}

static bool select_items(jinja *j, jinja_value self, const jinja_args *args, bool attribute, bool wanted,
                         jinja_value *out)
{
    apply_state *a = jinja_alloc(j, sizeof *a);
    int32_t at = attribute ? 1 : 0;
    if (!a) return false;
    *a = (apply_state){ .wanted = wanted };
    if (!jinja_truth(self)) return make_generator(j, self, next_selected, a, out);
    if (attribute && args->n_pos == 0) return jinja_type_error(j, "Missing parameter for attribute name");
    if (attribute && !jinja_path_parse(j, args->pos[0], &a->path)) return false;
    if (args->n_pos > at && !(a->row = find_row(j, args->pos[at], false))) return false;
    return keep_args(j, args, at + 1, &a->args) && make_generator(j, self, next_selected, a, out);
}

BUILTIN_IS(filter_select, select_items(j, self, args, false, true, out))
BUILTIN_IS(filter_reject, select_items(j, self, args, false, false, out))
BUILTIN_IS(filter_selectattr, select_items(j, self, args, true, true, out))
BUILTIN_IS(filter_rejectattr, select_items(j, self, args, true, false, out))

const jinja_builtin jinja_select_filters[] = {
    { "map", "*", filter_map },
    { "reject", "*", filter_reject },
    { "rejectattr", "*", filter_rejectattr },
    { "select", "*", filter_select },
    { "selectattr", "*", filter_selectattr },
    { NULL, NULL, NULL },
};
