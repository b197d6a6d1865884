/* jinja_ast.h - the tree that the parser makes and the evaluator walks.
 *
 * Nodes are in the arena of the template and are read-only after parsing. Names of variables are numbered (symbols), so
 * that the evaluator compares numbers. Filters and tests are looked up while parsing. */
#ifndef SUMI_JINJA_PARSE_JINJA_AST_H
#define SUMI_JINJA_PARSE_JINJA_AST_H

#include "jinja/eval/jinja_value.h"
#include "jinja/jinja.h"

typedef enum jinja_node_kind {
    /* expressions */
    NODE_CONST,
    NODE_NAME,
    NODE_TUPLE,
    NODE_LIST,
    NODE_DICT,
    NODE_ATTR,
    NODE_ITEM,
    NODE_SLICE,
    NODE_CALL,
    NODE_FILTER,
    NODE_TEST,
    NODE_NOT,
    NODE_NEG,
    NODE_POS,
    NODE_BINARY,
    NODE_AND,
    NODE_OR,
    NODE_CONCAT,
    NODE_COMPARE,
    NODE_COND,
    NODE_CAPTURED, /* the text of the block around it */
    NODE_NS_ATTR,  /* a target: namespace.attribute */
    /* statements */
    NODE_DATA,
    NODE_OUTPUT,
    NODE_FOR,
    NODE_IF,
    NODE_SET,
    NODE_SET_BLOCK,
    NODE_MACRO,
    NODE_CALL_BLOCK,
    NODE_FILTER_BLOCK,
    NODE_WITH,
    NODE_SCOPE,
    NODE_BREAK,
    NODE_CONTINUE,
} jinja_node_kind;

typedef struct jinja_node jinja_node;

typedef struct jinja_nodes {
    jinja_node **at;
    int32_t n, cap;
} jinja_nodes;

/* Statements in order. */
typedef struct jinja_body {
    jinja_nodes list;
    int32_t *undefined; /* names that are undefined when the scope of this body begins; see jinja_scopes.c */
    int32_t n_undefined;
} jinja_body;

typedef struct jinja_call_args {
    jinja_nodes pos, named;
    const jinja_str **names; /* [named.n] */
    jinja_node *star, *star_star;
} jinja_call_args;

typedef struct jinja_signature {
    const jinja_str **names;
    int32_t *symbols;
    jinja_node **defaults; /* NULL: none */
    int32_t n, cap;
    /* special names that the body uses besides its parameters; symbols, or -1 */
    int32_t caller, varargs, kwargs;
    bool explicit_caller, reads_caller;
} jinja_signature;

typedef enum jinja_compare_op { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE, CMP_IN, CMP_NOT_IN } jinja_compare_op;

struct jinja_node {
    uint8_t kind;
    uint8_t op;     /* BINARY: jinja_op */
    int16_t height; /* of the tree below, 1 for a leaf; limited, so that the recursion of walks is limited */
    int32_t line;
    union {
        jinja_value constant; /* CONST */
        struct {
            int32_t symbol;
            const jinja_str *name;
        } var;             /* NAME */
        jinja_nodes items; /* TUPLE, LIST, CONCAT, OUTPUT; DICT: key, value, ... */
        struct {
            jinja_node *left, *right;
        } pair; /* BINARY, AND, OR, ITEM; NOT, NEG, POS: left */
        struct {
            jinja_node *obj;
            const jinja_str *name;
            int32_t symbol;
        } attr; /* ATTR; NS_ATTR: symbol.name */
        struct {
            jinja_node *obj, *start, *stop, *step;
        } slice;
        struct {
            jinja_node *obj;
            jinja_call_args *args;
            const struct jinja_builtin *row;
            const jinja_str *name;
        } call; /* CALL, FILTER, TEST: row is NULL for a filter that does not exist */
        struct {
            jinja_node *first;
            jinja_nodes rest;
            uint8_t *ops;
        } compare;
        struct {
            jinja_node *test, *yes, *no;
        } cond;                /* no: NULL without else */
        const jinja_str *text; /* DATA */
        struct {
            jinja_node *target, *iter, *test;
            jinja_body body, otherwise;
            bool recursive, uses_loop;
        } loop;
        struct {
            jinja_nodes tests;
            jinja_body *bodies;
        } branch; /* IF: tests.n bodies, then the one of else */
        struct {
            jinja_node *target, *value;
            jinja_body body;
        } set; /* SET; SET_BLOCK: value filters CAPTURED */
        struct {
            jinja_signature *sig;
            jinja_body body;
            jinja_node *call;
            int32_t symbol;
            const jinja_str *name;
        } macro; /* MACRO; CALL_BLOCK: call is the CALL that gets the caller */
        struct {
            jinja_nodes targets, values;
            jinja_body body;
            jinja_node *filter;
        } block; /* WITH, SCOPE, FILTER_BLOCK */
    };
};

#define JINJA_MAX_HEIGHT 200 /* height of the tree: the nesting that a template may have */

struct jinja_template {
    jinja_arena arena;
    char *name;
    jinja_body body;
    const jinja_str **symbols; /* [n_symbols] names of variables */
    int32_t n_symbols, cap_symbols;
    int32_t loop_symbol;
};

#endif
