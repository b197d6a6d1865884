/* jinja_builtins.c - finds built-ins by name. Filters and tests are looked up while a template is parsed; methods
 * while it runs, in the short table of their type. */
#include "text/jinja_builtins.h"

#include <string.h>

static const jinja_builtin *find(const jinja_builtin *row, const char *name, size_t n)
{
    for (; row->name; row++)
        if (strlen(row->name) == n && !memcmp(row->name, name, n)) return row;
    return NULL;
}

const jinja_builtin *jinja_find_filter(const char *name, size_t n)
{
    const jinja_builtin *row = find(jinja_text_filters, name, n);
    if (!row) row = find(jinja_sequence_filters, name, n);
    return row ? row : find(jinja_select_filters, name, n);
}

const jinja_builtin *jinja_find_test(const char *name, size_t n)
{
    return find(jinja_tests, name, n);
}

const jinja_builtin *jinja_find_function(const char *name, size_t n)
{
    return find(jinja_functions, name, n);
}

const jinja_builtin *jinja_find_method(jinja_value v, const jinja_str *name)
{
    static const jinja_builtin *const tables[JINJA_N_KINDS] = {
        [JINJA_BOOL] = jinja_number_methods,   [JINJA_INT] = jinja_number_methods,
        [JINJA_FLOAT] = jinja_number_methods,  [JINJA_STR] = jinja_str_methods,
        [JINJA_LIST] = jinja_list_methods,     [JINJA_TUPLE] = jinja_tuple_methods,
        [JINJA_DICT] = jinja_dict_methods,     [JINJA_LOOP] = jinja_loop_methods,
        [JINJA_CYCLER] = jinja_cycler_methods,
    };
    if (v.kind == JINJA_FUNCTION && !strcmp(v.function->name, "dict"))
        return find(jinja_dict_type_methods, name->data, name->n);
    const jinja_builtin *table = tables[v.kind];
    return table ? find(table, name->data, name->n) : NULL;
}
