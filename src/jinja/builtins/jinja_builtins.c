/* jinja_builtins.c - finds built-ins by name. Filters and tests are looked up while a template is parsed; methods are
 * looked up while it is rendered, in the short table of their type. */
#include "jinja/builtins/jinja_builtins.h"

#include <string.h>

static const jinja_builtin *find(const jinja_builtin *row, const char *name, size_t n)
{
    for (; row->name; row++)
        if (strlen(row->name) == n && !memcmp(row->name, name, n)) return row;
    return NULL;
}

const jinja_builtin *jinja_find_filter(const char *name, size_t n)
{
    static const jinja_builtin *const tables[] = { jinja_text_filters, jinja_sequence_filters, jinja_select_filters,
                                                   jinja_html_filters, jinja_urlize_filters,   jinja_layout_filters };
    const jinja_builtin *row = NULL;
    for (size_t i = 0; !row && i < sizeof tables / sizeof *tables; i++) row = find(tables[i], name, n);
    return row;
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
        [JINJA_BOOL] = jinja_int_methods,    [JINJA_INT] = jinja_int_methods,   [JINJA_FLOAT] = jinja_float_methods,
        [JINJA_STR] = jinja_str_methods,     [JINJA_LIST] = jinja_list_methods, [JINJA_TUPLE] = jinja_tuple_methods,
        [JINJA_DICT] = jinja_dict_methods,   [JINJA_LOOP] = jinja_loop_methods, [JINJA_CYCLER] = jinja_cycler_methods,
        [JINJA_RANGE] = jinja_range_methods,
    };
    if (v.kind == JINJA_FUNCTION && !strcmp(v.function->name, "dict"))
        return find(jinja_dict_type_methods, name->data, name->n);
    const jinja_builtin *row = tables[v.kind] ? find(tables[v.kind], name->data, name->n) : NULL;
    if (!row && v.kind == JINJA_STR && v.flag & JINJA_MARKUP) row = find(jinja_markup_methods, name->data, name->n);
    return row;
}
