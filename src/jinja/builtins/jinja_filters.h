/* jinja_filters.h - shared by the filters on sequences: an item's attribute by its path. */
#ifndef SUMI_JINJA_BUILTINS_JINJA_FILTERS_H
#define SUMI_JINJA_BUILTINS_JINJA_FILTERS_H

#include "jinja/eval/jinja_value.h"

typedef struct jinja_path {
    jinja_list *parts;    /* strings and numbers; NULL: the item itself */
    jinja_value fallback; /* replaces an undefined attribute; MISSING or none: no fallback */
    bool ignore_case;     /* strings are compared in lower case */
} jinja_path;

/* "a.b.0", a number, or MISSING and none for the item itself. */
bool jinja_path_parse(jinja *j, jinja_value attribute, jinja_path *path);
bool jinja_path_get(jinja *j, const jinja_path *path, jinja_value item, jinja_value *out);

#endif
