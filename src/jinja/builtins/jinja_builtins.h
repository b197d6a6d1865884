/* jinja_builtins.h - the tables of filters, tests, functions and methods. Each table is at the end of its file and ends
 * with a row without a name. */
#ifndef SUMI_JINJA_BUILTINS_JINJA_BUILTINS_H
#define SUMI_JINJA_BUILTINS_JINJA_BUILTINS_H

#include "jinja/eval/jinja_eval.h"

/* BUILTIN(name) { ... } defines a jinja_builtin_fn; most use only some of its parameters. */
#define BUILTIN(name) \
    static bool name(jinja *j, jinja_value self, const jinja_value *arg, const jinja_args *args, jinja_value *out)
#define BUILTIN_UNUSED           (void)j, (void)self, (void)arg, (void)args, (void)out
#define BUILTIN_IS(name, result) /* a built-in that is only a call of another function */ \
    BUILTIN(name)                                                                         \
    {                                                                                     \
        BUILTIN_UNUSED;                                                                   \
        return result;                                                                    \
    }

extern const jinja_builtin jinja_text_filters[];     /* jinja_filters_text.c */
extern const jinja_builtin jinja_sequence_filters[]; /* jinja_filters_seq.c */
extern const jinja_builtin jinja_select_filters[];   /* jinja_filters_select.c */
extern const jinja_builtin jinja_html_filters[];     /* jinja_filters_html.c */
extern const jinja_builtin jinja_markup_methods[];
extern const jinja_builtin jinja_urlize_filters[]; /* jinja_filters_urlize.c */
extern const jinja_builtin jinja_layout_filters[]; /* jinja_filters_layout.c */
extern const jinja_builtin jinja_tests[];          /* jinja_tests.c */
extern const jinja_builtin jinja_functions[];      /* jinja_functions.c */
extern const jinja_builtin jinja_str_methods[];    /* jinja_methods_str.c */
extern const jinja_builtin jinja_list_methods[];   /* jinja_methods.c, like those up to dict_type */
extern const jinja_builtin jinja_tuple_methods[];
extern const jinja_builtin jinja_dict_methods[];
extern const jinja_builtin jinja_loop_methods[];
extern const jinja_builtin jinja_cycler_methods[];
extern const jinja_builtin jinja_dict_type_methods[]; /* of the function dict itself */
extern const jinja_builtin jinja_int_methods[];       /* jinja_methods_number.c */
extern const jinja_builtin jinja_float_methods[];
extern const jinja_builtin jinja_range_methods[];

/* Attributes of numbers and ranges that are not methods: n.real, range(3).stop. False: there is no such attribute. */
bool jinja_number_attr(jinja_value v, const jinja_str *name, jinja_value *out);

/* Number conversions that |int, |float and |round share with tests. */
bool jinja_parse_int(const jinja_str *s, int base, int64_t *out);
bool jinja_parse_float(const jinja_str *s, double *out);

#endif
