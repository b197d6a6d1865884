/* jinja_eval.h - one rendering of a template: its state, and the table rows of built-ins.
 *
 *   jinja_eval()   expression -> value     (jinja_eval.c)
 *   jinja_exec()   statement  -> output    (jinja_exec.c)
 *   jinja_call()   a callable value, a filter or a test with its arguments (jinja_call.c)
 *
 * To add a filter, test, function or method, write a jinja_builtin_fn and add its row to the table at the end of the
 * file: docs/templates.md walks through one. */
#ifndef SUMI_JINJA_EVAL_JINJA_EVAL_H
#define SUMI_JINJA_EVAL_JINJA_EVAL_H

#include "base/buf.h"
#include "base/keyed_hash.h"
#include "jinja/eval/jinja_value.h"
#include "jinja/jinja.h"
#include "jinja/parse/jinja_ast.h"

/* The arguments of a call as written, after * and ** were expanded. */
typedef struct jinja_args {
    const jinja_value *pos;
    int32_t n_pos;
    const jinja_str *const *names; /* of the keyword arguments */
    const jinja_value *named;
    int32_t n_named;
} jinja_args;

#define JINJA_MAX_PARAMS 8

/* A built-in. self: the value before "|", "is" or "."; none for functions. arg: one value for each name in the row's
 * params, MISSING if it was not given. args: the call as written, for rows whose params are "*". A test sets *out to
 * a bool. */
typedef bool (*jinja_builtin_fn)(jinja *j, jinja_value self, const jinja_value *arg, const jinja_args *args,
                                 jinja_value *out);

typedef struct jinja_builtin {
    const char *name;
    /* Names of the parameters, in order, such as "old new ?count". Parameters after "?" are optional; a leading "/" means
     * that no parameter can be given by name; "*" passes all arguments in args. */
    const char *params;
    jinja_builtin_fn fn;
} jinja_builtin;

const jinja_builtin *jinja_find_filter(const char *name, size_t n);
const jinja_builtin *jinja_find_test(const char *name, size_t n);
const jinja_builtin *jinja_find_function(const char *name, size_t n);
/* The method or attribute `name` of values of v's type; NULL if Python has none. A row without fn is a method that the
 * sandbox refuses, because it would change the value. */
const jinja_builtin *jinja_find_method(jinja_value v, const jinja_str *name);

typedef struct jinja_scope {
    struct jinja_scope *parent; /* NULL: the outermost */
    struct jinja_binding {
        int32_t symbol;
        jinja_value value;
    } * bindings;
    int32_t n, cap;
} jinja_scope;

typedef struct jinja_macro {
    const jinja_node *node; /* MACRO, or CALL_BLOCK for a caller */
    jinja_scope *scope;     /* where it was defined */
} jinja_macro;

/* The `loop` variable. */
typedef struct jinja_loop {
    jinja_iter *iter;
    jinja_value source;          /* for its length */
    const jinja_node *recursive; /* the loop to run when called; NULL: not recursive */
    jinja_scope *scope;          /* around the loop */
    int64_t index0, depth0;
    int64_t length;                     /* -1: not asked for yet */
    jinja_value before, current, after; /* after: the next item, fetched early; MISSING: not fetched */
    jinja_list *changed;                /* arguments of the last loop.changed(); NULL: never called */
} jinja_loop;

struct jinja {
    const jinja_template *t;
    jinja_arena arena;
    jinja_limits limits;
    sumi_error *err;
    sumi_status status; /* of the first failure */
    int32_t line;       /* being rendered */
    uint64_t steps;     /* taken so far */
    int32_t depth;
    const char *stack_base;
    hash_key hash_key;    /* of dicts; random for each rendering, so that keys cannot be chosen to collide */
    jinja_value *globals; /* [t->n_symbols]: variables given to the rendering, else built-in functions */
    jinja_scope *scope;
    buf *out, *final_out; /* the present output: the caller's buffer, or a capture */
    size_t n_captured;    /* bytes in captures that are open */
    jinja_value captured; /* the text that a filter block or {% set %} block filters */
    jinja_value *stack;   /* arguments of the calls that are being evaluated */
    size_t n_stack;
    int64_t now_us; /* microseconds since 1970; the time of strftime_now() */
};

typedef enum jinja_flow { JINJA_FLOW_FAILED, JINJA_FLOW_NEXT, JINJA_FLOW_BREAK, JINJA_FLOW_CONTINUE } jinja_flow;

bool jinja_eval(jinja *j, const jinja_node *n, jinja_value *out);
jinja_value jinja_lookup(const jinja *j, int32_t symbol);     /* a variable; MISSING: not there */
jinja_flow jinja_exec(jinja *j, const jinja_node *n);         /* one statement */
jinja_flow jinja_exec_body(jinja *j, const jinja_body *body); /* in the current scope */

/* Between begin and end, output goes into a separate string. end returns the string, or NULL if keep is false or after
 * jinja_fail(). Every begin needs its end, also after a failure. */
typedef struct jinja_capture {
    buf text;
    buf *outer;
} jinja_capture;
void jinja_capture_begin(jinja *j, jinja_capture *c);
const jinja_str *jinja_capture_end(jinja *j, jinja_capture *c, bool keep);

jinja_scope *jinja_scope_new(jinja *j, jinja_scope *parent);
bool jinja_scope_set(jinja *j, jinja_scope *scope, int32_t symbol, jinja_value v);
bool jinja_write(jinja *j, const char *data, size_t n);
bool jinja_write_value(jinja *j, jinja_value v);
bool jinja_assign(jinja *j, jinja_scope *scope, const jinja_node *target, jinja_value v);

bool jinja_call(jinja *j, jinja_value callee, const jinja_args *args, jinja_value *out);
bool jinja_call_builtin(jinja *j, const jinja_builtin *row, jinja_value self, const jinja_args *args, jinja_value *out);
bool jinja_call_macro(jinja *j, jinja_macro *macro, const jinja_args *args, jinja_value *out);
/* macro.name, .arguments, ...; MISSING: no such attribute */
bool jinja_macro_attr(jinja *j, const jinja_macro *macro, const jinja_str *name, jinja_value *out);
bool jinja_run_loop(jinja *j, const jinja_node *n, jinja_scope *scope, jinja_value source, int64_t depth0,
                    jinja_flow *flow);
bool jinja_loop_attr(jinja *j, jinja_value loop, const jinja_str *name, jinja_value *out); /* MISSING: no such one */

/* Evaluates the arguments of n onto the stack; jinja_pop_args() removes them. caller: MISSING, or an extra keyword
 * argument "caller". */
bool jinja_push_args(jinja *j, const jinja_call_args *n, jinja_value caller, jinja_args *out);
void jinja_pop_args(jinja *j, const jinja_args *args);

/* Helpers of built-ins: converts an argument to a type, with a default if it is MISSING; false after a type error. */
bool jinja_arg_int(jinja *j, jinja_value v, int64_t missing, int64_t *out);
bool jinja_arg_str(jinja *j, jinja_value v, const jinja_str **out); /* MISSING and none: NULL */

#endif
