/* jinja_methods.c - the methods of lists, tuples, dicts, loops and cyclers. A row without a function is one
 * that would change the value: the sandbox of chat templates refuses it. */
#include "jinja/builtins/jinja_builtins.h"

/* ---- Lists and tuples ---- */

BUILTIN(list_count)
{
    BUILTIN_UNUSED;
    int64_t n = 0;
    for (size_t i = 0; i < self.list->n; i++) {
        bool equal;
        if (!jinja_equal(j, self.list->items[i], arg[0], &equal)) return false;
        n += equal;
    }
    *out = jinja_int(n);
    return true;
}

BUILTIN(list_index)
{
    BUILTIN_UNUSED;
    int64_t first, step;
    size_t count;
    if (!jinja_slice_bounds(j, arg[1], arg[2], jinja_missing(), self.list->n, &first, &step, &count)) return false;
    for (size_t i = 0; i < count; i++) {
        bool equal;
        if (!jinja_equal(j, self.list->items[(size_t)first + i], arg[0], &equal)) return false;
        if (!equal) continue;
        *out = jinja_int(first + (int64_t)i);
        return true;
    }
    return jinja_type_error(j, "the value is not in the list");
}

BUILTIN(list_copy)
{
    BUILTIN_UNUSED;
    *out = self; /* immutable, so it is its own copy */
    return true;
}

const jinja_builtin jinja_list_methods[] = {
    { "append", "*", NULL },   { "clear", "*", NULL },
    { "copy", "", list_copy }, { "count", "/ value", list_count },
    { "extend", "*", NULL },   { "index", "/ value ?start stop", list_index },
    { "insert", "*", NULL },   { "pop", "*", NULL },
    { "remove", "*", NULL },   { "reverse", "*", NULL },
    { "sort", "*", NULL },     { NULL, NULL, NULL },
};

const jinja_builtin jinja_tuple_methods[] = {
    { "count", "/ value", list_count },
    { "index", "/ value ?start stop", list_index },
    { NULL, NULL, NULL },
};

/* ---- Dicts ---- */

BUILTIN(dict_get)
{
    BUILTIN_UNUSED;
    jinja_value *found;
    if (!jinja_dict_find(j, self.dict, arg[0], &found)) return false;
    *out = found ? *found : arg[1].kind == JINJA_MISSING ? jinja_none() : arg[1];
    return true;
}

static bool view(jinja_value self, jinja_view what, jinja_value *out)
{
    *out = (jinja_value){ .kind = JINJA_VIEW, .flag = (uint8_t)what, .dict = self.dict };
    return true;
}

BUILTIN_IS(dict_keys, view(self, JINJA_KEYS, out))
BUILTIN_IS(dict_values, view(self, JINJA_VALUES, out))
BUILTIN_IS(dict_items, view(self, JINJA_ITEMS, out))

BUILTIN(dict_fromkeys)
{
    BUILTIN_UNUSED;
    jinja_iter *it = jinja_iterate(j, arg[0]);
    jinja_dict *d = jinja_dict_new(j, 0);
    jinja_value key, value = arg[1].kind == JINJA_MISSING ? jinja_none() : arg[1];
    int got = JINJA_ITER_FAILED;
    while (it && d && (got = jinja_next(j, it, &key)) == JINJA_ITER_ITEM)
        if (!jinja_dict_set(j, d, key, value)) return false;
    if (d) *out = jinja_of_dict(d);
    return got == JINJA_ITER_END;
}

const jinja_builtin jinja_dict_methods[] = {
    { "clear", "*", NULL },
    { "copy", "", list_copy },
    { "fromkeys", "/ iterable ?value", dict_fromkeys },
    { "get", "/ key ?default", dict_get },
    { "items", "", dict_items },
    { "keys", "", dict_keys },
    { "pop", "*", NULL },
    { "popitem", "*", NULL },
    { "setdefault", "*", NULL },
    { "update", "*", NULL },
    { "values", "", dict_values },
    { NULL, NULL, NULL },
};

const jinja_builtin jinja_dict_type_methods[] = {
    { "fromkeys", "/ iterable ?value", dict_fromkeys },
    { NULL, NULL, NULL },
};

/* ---- Loops and cyclers ---- */

BUILTIN(loop_cycle)
{
    BUILTIN_UNUSED;
    if (args->n_named) return jinja_type_error(j, "loop.cycle() takes no keyword arguments");
    if (args->n_pos == 0) return jinja_type_error(j, "no items for cycling given");
    *out = args->pos[self.loop->index0 % args->n_pos];
    return true;
}

BUILTIN(loop_changed)
{
    BUILTIN_UNUSED;
    jinja_loop *loop = self.loop;
    jinja_list *now = jinja_list_new(j, (size_t)args->n_pos);
    bool equal = false;
    if (!now || args->n_named) return jinja_type_error(j, "loop.changed() takes no keyword arguments");
    for (int32_t i = 0; i < args->n_pos; i++)
        if (!jinja_list_push(j, now, args->pos[i])) return false;
    if (loop->changed && !jinja_equal(j, jinja_of_tuple(loop->changed), jinja_of_tuple(now), &equal)) return false;
    loop->changed = now;
    *out = jinja_bool(!equal);
    return true;
}

const jinja_builtin jinja_loop_methods[] = {
    { "changed", "*", loop_changed },
    { "cycle", "*", loop_cycle },
    { NULL, NULL, NULL },
};

BUILTIN(cycler_next)
{
    BUILTIN_UNUSED;
    jinja_cycler *c = self.cycler;
    *out = c->items->items[c->pos];
    c->pos = (c->pos + 1) % c->items->n;
    return true;
}

BUILTIN(cycler_reset)
{
    BUILTIN_UNUSED;
    self.cycler->pos = 0;
    *out = jinja_none();
    return true;
}

const jinja_builtin jinja_cycler_methods[] = {
    { "next", "", cycler_next },
    { "reset", "", cycler_reset },
    { NULL, NULL, NULL },
};
