/* jinja_scopes.h - which names a piece of the tree reads and writes. */
#ifndef SUMI_JINJA_PARSE_JINJA_SCOPES_H
#define SUMI_JINJA_PARSE_JINJA_SCOPES_H

#include "jinja/parse/jinja_ast.h"

typedef struct jinja_name_use {
    bool read;   /* before it is written, in the order of the tree */
    bool stored; /* as a target of set or for */
} jinja_name_use;

/* How `symbol` is used in a body, including inner scopes. */
jinja_name_use jinja_name_use_in(const jinja_body *body, int32_t symbol);
bool jinja_target_has(const jinja_node *target, int32_t symbol);

/* Fills `undefined` of every body of the template that opens a scope; see jinja_scopes.c. */
sumi_status jinja_scopes_resolve(jinja_template *t, sumi_error *err);

#endif
