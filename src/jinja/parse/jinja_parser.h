/* jinja_parser.h - shared by the two halves of the parser: statements (jinja_parser.c), expressions (jinja_expr.c). */
#ifndef SUMI_JINJA_PARSE_JINJA_PARSER_H
#define SUMI_JINJA_PARSE_JINJA_PARSER_H

#include "jinja/parse/jinja_ast.h"
#include "jinja/parse/jinja_lexer.h"

typedef struct jinja_parser {
    jinja_template *t;
    jinja_lexer lexer;
    jinja_token cur, ahead; /* the current token and the next one */
    sumi_error *err;
    sumi_status status;
    int32_t depth;             /* of the parser's own recursion */
    int32_t loop_depth;        /* enclosing for loops, for break and continue */
    int32_t soft;              /* enclosing ifs: inside an if, an unknown filter is an error only when it is called */
    const jinja_node *unknown; /* the first unknown filter or test outside any if; NULL: none */
} jinja_parser;

/* All parse functions return NULL (or false) after they have set an error. */
bool jinja_parse_fail(jinja_parser *p, int32_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool jinja_parser_enter(jinja_parser *p); /* one level of recursion deeper */
void *jinja_parser_alloc(jinja_parser *p, size_t n);
bool jinja_advance(jinja_parser *p);
bool jinja_expect(jinja_parser *p, jinja_token_kind kind);
bool jinja_at_name(const jinja_parser *p, const char *name);
bool jinja_skip_name(jinja_parser *p, const char *name, bool *skipped);
bool jinja_expect_name(jinja_parser *p, const char *name);
int32_t jinja_symbol(jinja_parser *p, const char *name, size_t n); /* -1 after an error */
const jinja_str *jinja_parser_str(jinja_parser *p, const char *data, size_t n);

jinja_node *jinja_node_new(jinja_parser *p, jinja_node_kind kind, int32_t line);
bool jinja_grow(jinja_parser *p, jinja_node *parent, const jinja_node *child); /* parent is higher than child */
bool jinja_nodes_push(jinja_parser *p, jinja_nodes *nodes, jinja_node *n);

/* An expression; with_cond: "a if b else c" is allowed at its top. */
jinja_node *jinja_parse_expr(jinja_parser *p, bool with_cond);
/* One expression, or several with commas: a tuple. until: the name that ends it ("in"), or NULL. */
jinja_node *jinja_parse_tuple(jinja_parser *p, bool with_cond, const char *until, bool parentheses);
jinja_node *jinja_parse_primary(jinja_parser *p, bool namespaces);
/* The filters after a block's tag ("{% filter a | b(1) %}"), applied to a CAPTURED node. first_inline: no "|" before the
 * first filter. */
jinja_node *jinja_parse_block_filter(jinja_parser *p, bool first_inline);

#endif
