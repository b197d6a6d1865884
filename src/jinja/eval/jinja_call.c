/* jinja_call.c - arguments and calls: built-ins by the row of their table, macros, loops. See jinja_eval.h. */
#include "jinja/eval/jinja_eval.h"

#include <string.h>

/* ---- Arguments ---- */

#define STACK_VALUES ((size_t)4096) /* of all calls that are being evaluated at once */

static bool push(jinja *j, jinja_value v)
{
    if (!j->stack && !(j->stack = jinja_alloc(j, STACK_VALUES * sizeof v))) return false;
    if (j->n_stack == STACK_VALUES) return jinja_fail(j, SUMI_ELIMIT, "more than %zu arguments at once", STACK_VALUES);
    j->stack[j->n_stack++] = v;
    return true;
}

static bool push_star(jinja *j, const jinja_node *star)
{
    jinja_value v, item;
    if (!jinja_eval(j, star, &v)) return false;
    jinja_iter *it = jinja_iterate(j, v);
    int got = JINJA_ITER_FAILED;
    while (it && (got = jinja_next(j, it, &item)) == JINJA_ITER_ITEM)
        if (!push(j, item)) return false;
    return got == JINJA_ITER_END;
}

/* The entries of the mapping after **; names has room for them. */
static bool push_star_star(jinja *j, const jinja_dict *d, const jinja_str **names, int32_t *n)
{
    for (size_t i = 0; i < d->n; i++) {
        jinja_value key = d->entries[i].key;
        if (key.kind != JINJA_STR) return jinja_type_error(j, "keywords must be strings");
        for (int32_t k = 0; k < *n; k++)
            if (jinja_str_equal(names[k], key.s))
                return jinja_type_error(j, "got multiple values for keyword argument '%.*s'", (int)key.s->n,
                                        key.s->data);
        if (!jinja_charge(j, (size_t)*n) || !push(j, d->entries[i].value)) return false;
        names[(*n)++] = key.s;
    }
    return true;
}

/* Named arguments, then those of the mapping, then the caller of a call block. */
static bool push_named(jinja *j, const jinja_call_args *n, jinja_value caller, jinja_args *out)
{
    jinja_value v = jinja_missing();
    for (int32_t i = 0; i < n->named.n; i++)
        if (!jinja_eval(j, n->named.at[i], &v) || !push(j, v)) return false;
    out->names = n->names;
    out->n_named = n->named.n;
    if (!n->star_star && caller.kind == JINJA_MISSING) return true;
    if (n->star_star && !jinja_eval(j, n->star_star, &v)) return false;
    if (n->star_star && v.kind != JINJA_DICT)
        return jinja_type_error(j, "argument after ** must be a mapping, not %s", jinja_type_name(v));
    size_t n_more = n->star_star ? v.dict->n : 0;
    const jinja_str **names = jinja_alloc(j, ((size_t)n->named.n + n_more + 1) * sizeof *names);
    if (!names) return false;
    if (n->named.n) memcpy(names, n->names, (size_t)n->named.n * sizeof *names);
    out->names = names;
    if (caller.kind != JINJA_MISSING)
        if (!push(j, caller) || !(names[out->n_named++] = jinja_str_literal(j, "caller"))) return false;
    return !n->star_star || push_star_star(j, v.dict, names, &out->n_named);
}

bool jinja_push_args(jinja *j, const jinja_call_args *n, jinja_value caller, jinja_args *out)
{
    jinja_value v;
    size_t base = j->n_stack;
    *out = (jinja_args){ 0 };
    for (int32_t i = 0; i < n->pos.n; i++)
        if (!jinja_eval(j, n->pos.at[i], &v) || !push(j, v)) return false;
    if (n->star && !push_star(j, n->star)) return false;
    out->n_pos = (int32_t)(j->n_stack - base);
    if (!push_named(j, n, caller, out)) return false;
    out->pos = j->stack ? j->stack + base : NULL;
    out->named = j->stack ? j->stack + base + out->n_pos : NULL;
    return true;
}

void jinja_pop_args(jinja *j, const jinja_args *args)
{
    j->n_stack -= (size_t)(args->n_pos + args->n_named);
}

/* ---- Built-ins ---- */

/* The parameter at *p in a row's params; 0 at the end. *optional becomes true after "?". */
static size_t next_param(const char **p, bool *optional)
{
    while (**p == ' ' || **p == '/') (*p)++;
    if (**p == '?') {
        *optional = true;
        (*p)++;
    }
    size_t n = strcspn(*p, " ");
    *p += n;
    return n;
}

static bool bind_named(jinja *j, const jinja_builtin *row, const jinja_args *args, jinja_value *arg)
{
    for (int32_t k = 0; k < args->n_named; k++) {
        const char *p = row->params;
        const jinja_str *name = args->names[k];
        bool optional = false, found = false;
        size_t n;
        for (int32_t i = 0; !found && (n = next_param(&p, &optional)); i++) {
            found = row->params[0] != '/' && n == name->n && !memcmp(p - n, name->data, n);
            if (found && arg[i].kind != JINJA_MISSING)
                return jinja_type_error(j, "%s() got multiple values for argument '%.*s'", row->name, (int)n, p - n);
            if (found) arg[i] = args->named[k];
        }
        if (!found)
            return jinja_type_error(j, "%s() got an unexpected keyword argument '%.*s'", row->name, (int)name->n,
                                    name->data);
    }
    return true;
}

bool jinja_call_builtin(jinja *j, const jinja_builtin *row, jinja_value self, const jinja_args *args, jinja_value *out)
{
    jinja_value arg[JINJA_MAX_PARAMS];
    if (!jinja_enter(j)) return false;
    bool ok = true;
    if (row->params[0] != '*') {
        const char *p = row->params;
        bool optional = false;
        int32_t n_params = 0, n_required = 0;
        for (; next_param(&p, &optional); n_params++) {
            arg[n_params] = n_params < args->n_pos ? args->pos[n_params] : jinja_missing();
            if (!optional) n_required++;
        }
        if (args->n_pos > n_params)
            ok = jinja_type_error(j, "%s() takes at most %d arguments (%d given)", row->name, (int)n_params,
                                  (int)args->n_pos);
        ok = ok && bind_named(j, row, args, arg);
        for (int32_t i = 0; ok && i < n_required; i++)
            if (arg[i].kind == JINJA_MISSING)
                ok = jinja_type_error(j, "%s() misses its argument number %d", row->name, (int)i + 1);
    }
    ok = ok && row->fn(j, self, arg, args, out);
    jinja_leave(j);
    return ok;
}

bool jinja_arg_int(jinja *j, jinja_value v, int64_t missing, int64_t *out)
{
    *out = missing;
    if (v.kind == JINJA_MISSING || jinja_as_int(v, out)) return true;
    if (v.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, v);
    return jinja_type_error(j, "'%s' object cannot be interpreted as an integer", jinja_type_name(v));
}

bool jinja_arg_str(jinja *j, jinja_value v, const jinja_str **out)
{
    *out = NULL;
    if (v.kind == JINJA_STR) *out = v.s;
    if (v.kind == JINJA_STR || v.kind == JINJA_MISSING || v.kind == JINJA_NONE) return true;
    if (v.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, v);
    return jinja_type_error(j, "expected a string, got %s", jinja_type_name(v));
}

/* ---- Macros ---- */

typedef struct macro_call {
    jinja_macro *macro;
    const jinja_args *args;
    uint64_t *used; /* a bit for each named argument that a parameter took */
} macro_call;

static jinja_value take_named(macro_call *c, const jinja_str *name)
{
    for (int32_t k = 0; k < c->args->n_named; k++)
        if (jinja_str_equal(c->args->names[k], name) && !(c->used[k / 64] >> (k % 64) & 1)) {
            c->used[k / 64] |= (uint64_t)1 << (k % 64);
            return c->args->named[k];
        }
    return jinja_missing();
}

/* Binds the given arguments; a missing one is MISSING. */
static bool bind_macro(jinja *j, macro_call *c, jinja_scope *scope)
{
    const jinja_signature *sig = c->macro->node->macro.sig;
    bool found_caller = sig->explicit_caller && c->args->n_pos >= sig->n;
    for (int32_t i = 0; i < sig->n; i++) {
        jinja_value v = i < c->args->n_pos ? c->args->pos[i] : take_named(c, sig->names[i]);
        if (i >= c->args->n_pos && jinja_str_is(sig->names[i], "caller")) found_caller = true;
        if (!jinja_scope_set(j, scope, sig->symbols[i], v)) return false;
    }
    if (sig->caller >= 0 && !found_caller) {
        const jinja_str *name = j->t->symbols[sig->caller];
        jinja_value caller = take_named(c, name);
        if (caller.kind == JINJA_MISSING || caller.kind == JINJA_NONE)
            caller = jinja_undefined_hint(j, "No caller defined");
        if (!jinja_scope_set(j, scope, sig->caller, caller)) return false;
    }
    return true;
}

/* The special variables kwargs and varargs, or errors for arguments that no parameter takes. */
static bool bind_rest(jinja *j, macro_call *c, jinja_scope *scope)
{
    const jinja_signature *sig = c->macro->node->macro.sig;
    jinja_dict *kwargs = sig->kwargs >= 0 ? jinja_dict_new(j, 0) : NULL;
    jinja_list *varargs = sig->varargs >= 0 ? jinja_list_new(j, 0) : NULL;
    if ((sig->kwargs >= 0 && !kwargs) || (sig->varargs >= 0 && !varargs)) return false;
    for (int32_t k = 0; k < c->args->n_named; k++) {
        if (c->used[k / 64] >> (k % 64) & 1) continue;
        const jinja_str *name = c->args->names[k];
        if (!kwargs) return jinja_type_error(j, "the macro takes no keyword argument '%.*s'", (int)name->n, name->data);
        if (!jinja_dict_set(j, kwargs, jinja_of_str(name), c->args->named[k])) return false;
    }
    if (kwargs && !jinja_scope_set(j, scope, sig->kwargs, jinja_of_dict(kwargs))) return false;
    if (!varargs && c->args->n_pos > sig->n)
        return jinja_type_error(j, "the macro takes not more than %d argument(s)", (int)sig->n);
    for (int32_t i = sig->n; i < c->args->n_pos; i++)
        if (!jinja_list_push(j, varargs, c->args->pos[i])) return false;
    return !varargs || jinja_scope_set(j, scope, sig->varargs, jinja_of_tuple(varargs));
}

/* Parameters that were not given get their defaults, evaluated inside the macro, from left to right. */
static bool bind_defaults(jinja *j, const jinja_signature *sig, jinja_scope *scope)
{
    for (int32_t i = 0; i < sig->n; i++) {
        jinja_value v = scope->bindings[i].value; /* the first bindings are the parameters, in order */
        if (v.kind != JINJA_MISSING) continue;
        if (sig->defaults[i]) {
            if (!jinja_eval(j, sig->defaults[i], &v)) return false;
        } else {
            v = jinja_undefined(JINJA_NO_NAME, sig->names[i], JINJA_MISSING);
        }
        scope->bindings[i].value = v;
    }
    return true;
}

bool jinja_call_macro(jinja *j, jinja_macro *macro, const jinja_args *args, jinja_value *out)
{
    const jinja_node *n = macro->node;
    size_t words = (size_t)args->n_named / 64 + 1;
    jinja_scope *outer = j->scope, *scope = jinja_scope_new(j, macro->scope);
    macro_call c = { macro, args, jinja_alloc(j, words * sizeof(uint64_t)) };
    if (!scope || !c.used) return false;
    memset(c.used, 0, words * sizeof(uint64_t));
    if (!bind_macro(j, &c, scope) || !bind_rest(j, &c, scope)) return false;
    jinja_capture capture;
    jinja_capture_begin(j, &capture);
    j->scope = scope;
    bool ok = bind_defaults(j, n->macro.sig, scope) && jinja_exec_body(j, &n->macro.body) != JINJA_FLOW_FAILED;
    j->scope = outer;
    return jinja_give_str(jinja_capture_end(j, &capture, ok), out);
}

bool jinja_macro_attr(jinja *j, const jinja_macro *macro, const jinja_str *name, jinja_value *out)
{
    const jinja_node *n = macro->node;
    const jinja_signature *sig = n->macro.sig;
    if (jinja_str_is(name, "name")) *out = n->kind == NODE_MACRO ? jinja_of_str(n->macro.name) : jinja_none();
    else if (jinja_str_is(name, "catch_kwargs")) *out = jinja_bool(sig->kwargs >= 0);
    else if (jinja_str_is(name, "catch_varargs")) *out = jinja_bool(sig->varargs >= 0);
    else if (jinja_str_is(name, "caller")) *out = jinja_bool(sig->reads_caller);
    else if (jinja_str_is(name, "explicit_caller")) *out = jinja_bool(sig->explicit_caller);
    else if (jinja_str_is(name, "arguments")) {
        jinja_list *names = jinja_list_new(j, (size_t)sig->n);
        for (int32_t i = 0; names && i < sig->n; i++)
            if (!jinja_list_push(j, names, jinja_of_str(sig->names[i]))) return false;
        if (names) *out = jinja_of_tuple(names);
        return names != NULL;
    } else *out = jinja_missing();
    return true;
}

/* ---- Calls ---- */

/* loop(items): the body of a recursive loop once more, one level deeper. */
static bool call_loop(jinja *j, jinja_loop *loop, const jinja_args *args, jinja_value *out)
{
    if (!loop->recursive)
        return jinja_type_error(j, "the loop must have the 'recursive' marker to be called recursively");
    if (args->n_pos != 1 || args->n_named) return jinja_type_error(j, "loop() takes one argument");
    jinja_capture c;
    jinja_flow flow;
    jinja_capture_begin(j, &c);
    bool ok = jinja_run_loop(j, loop->recursive, loop->scope, args->pos[0], loop->depth0 + 1, &flow);
    return jinja_give_str(jinja_capture_end(j, &c, ok), out);
}

static bool call_joiner(jinja *j, jinja_joiner *joiner, const jinja_args *args, jinja_value *out)
{
    if (args->n_pos || args->n_named) return jinja_type_error(j, "a joiner takes no arguments");
    const jinja_str *empty = jinja_str_literal(j, "");
    *out = joiner->used ? joiner->separator : jinja_of_str(empty);
    joiner->used = true;
    return empty != NULL;
}

bool jinja_call(jinja *j, jinja_value callee, const jinja_args *args, jinja_value *out)
{
    if (!jinja_enter(j)) return false;
    bool ok;
    switch (callee.kind) {
    case JINJA_MACRO: ok = jinja_call_macro(j, callee.macro, args, out); break;
    case JINJA_FUNCTION: ok = jinja_call_builtin(j, callee.function, jinja_none(), args, out); break;
    case JINJA_METHOD: ok = jinja_call_builtin(j, callee.method->row, callee.method->self, args, out); break;
    case JINJA_LOOP: ok = call_loop(j, callee.loop, args, out); break;
    case JINJA_JOINER: ok = call_joiner(j, callee.joiner, args, out); break;
    case JINJA_UNDEFINED: ok = jinja_fail_undefined(j, callee); break;
    default: ok = jinja_type_error(j, "'%s' object is not callable", jinja_type_name(callee)); break;
    }
    jinja_leave(j);
    return ok;
}
