/* jinja_exec.c - the evaluator of statements. See jinja_eval.h.
 *
 * Scopes follow the functions that Jinja compiles a template to: for, with, macro, call, filter, {% set %} blocks and
 * generation blocks open one; if does not. A loop clears and reuses one scope for all its iterations, so that a macro
 * defined inside sees the latest values, as a Python closure does. */
#include "jinja/eval/jinja_eval.h"

#include <string.h>

/* ---- Scopes ---- */

jinja_scope *jinja_scope_new(jinja *j, jinja_scope *parent)
{
    jinja_scope *s = jinja_alloc(j, sizeof *s);
    if (s) *s = (jinja_scope){ .parent = parent };
    return s;
}

bool jinja_scope_set(jinja *j, jinja_scope *scope, int32_t symbol, jinja_value v)
{
    for (int32_t i = 0; i < scope->n; i++)
        if (scope->bindings[i].symbol == symbol) {
            scope->bindings[i].value = v;
            return true;
        }
    if (scope->n == scope->cap) {
        int32_t cap = scope->cap ? scope->cap * 2 : 4;
        struct jinja_binding *b = jinja_alloc(j, (size_t)cap * sizeof *b);
        if (!b) return false;
        if (scope->n) memcpy(b, scope->bindings, (size_t)scope->n * sizeof *b);
        scope->bindings = b;
        scope->cap = cap;
    }
    scope->bindings[scope->n++] = (struct jinja_binding){ symbol, v };
    return true;
}

static bool assign_attr(jinja *j, const jinja_node *target, jinja_value v)
{
    jinja_value ns = jinja_lookup(j, target->attr.symbol);
    j->line = target->line;
    if (ns.kind != JINJA_NAMESPACE) return jinja_type_error(j, "cannot assign attribute on non-namespace object");
    if (target->attr.name->data[0] == '_')
        return jinja_type_error(j, "a namespace cannot have an attribute that starts with an underscore");
    return jinja_dict_set(j, ns.dict, jinja_of_str(target->attr.name), v);
}

bool jinja_assign(jinja *j, jinja_scope *scope, const jinja_node *target, jinja_value v)
{
    if (target->kind == NODE_NAME) return jinja_scope_set(j, scope, target->var.symbol, v);
    if (target->kind == NODE_NS_ATTR) return assign_attr(j, target, v);
    int32_t n = target->items.n; /* a tuple: take the value apart, which may be any iterable */
    jinja_iter *it = jinja_iterate(j, v);
    jinja_value item;
    if (!it) return false;
    for (int32_t i = 0; i < n; i++) {
        int got = jinja_next(j, it, &item);
        if (got == JINJA_ITER_END)
            return jinja_type_error(j, "not enough values to unpack (expected %d, got %d)", (int)n, (int)i);
        if (got == JINJA_ITER_FAILED || !jinja_assign(j, scope, target->items.at[i], item)) return false;
    }
    int got = jinja_next(j, it, &item);
    if (got == JINJA_ITER_ITEM) return jinja_type_error(j, "too many values to unpack (expected %d)", (int)n);
    return got == JINJA_ITER_END;
}

/* ---- Output ---- */

bool jinja_write(jinja *j, const char *data, size_t n)
{
    if (!jinja_charge(j, n)) return false;
    if (j->out != j->final_out) {
        j->n_captured += n;
        if (j->n_captured + j->arena.used > j->limits.max_value_bytes)
            return jinja_fail(j, SUMI_ELIMIT, "the values take more than %zu bytes", j->limits.max_value_bytes);
    }
    buf_append(j->out, data, n);
    if (j->out->status == SUMI_ENOMEM) return jinja_fail(j, SUMI_ENOMEM, "out of memory");
    if (j->out->status != SUMI_OK)
        return jinja_fail(j, j->out->status, "the output is longer than %zu bytes", j->out->max);
    return true;
}

bool jinja_write_value(jinja *j, jinja_value v)
{
    const jinja_str *s = jinja_to_str(j, v);
    return s && jinja_write(j, s->data, s->n);
}

/* The result of call and filter blocks is written unchanged, so it must be text. */
static bool write_str(jinja *j, jinja_value v)
{
    if (v.kind == JINJA_STR) return jinja_write(j, v.s->data, v.s->n);
    return jinja_type_error(j, "expected text from the block, got %s", jinja_type_name(v));
}

void jinja_capture_begin(jinja *j, jinja_capture *c)
{
    c->outer = j->out;
    buf_init(&c->text, j->limits.max_value_bytes);
    j->out = &c->text;
}

const jinja_str *jinja_capture_end(jinja *j, jinja_capture *c, bool keep)
{
    const jinja_str *s = keep ? jinja_str_copy(j, c->text.data ? c->text.data : "", c->text.n) : NULL;
    j->out = c->outer;
    j->n_captured -= c->text.n;
    buf_deinit(&c->text);
    return s;
}

/* Runs a body in a new scope and captures its output. *text is NULL if flow is not NEXT. */
static jinja_flow capture_body(jinja *j, const jinja_body *body, const jinja_str **text)
{
    jinja_capture c;
    jinja_scope *outer = j->scope, *scope = jinja_scope_new(j, outer);
    *text = NULL;
    if (!scope) return JINJA_FLOW_FAILED;
    jinja_capture_begin(j, &c);
    j->scope = scope;
    jinja_flow flow = jinja_exec_body(j, body);
    j->scope = outer;
    *text = jinja_capture_end(j, &c, flow == JINJA_FLOW_NEXT);
    return flow == JINJA_FLOW_NEXT && !*text ? JINJA_FLOW_FAILED : flow;
}

/* Evaluates filters around the captured text. */
static bool filter_captured(jinja *j, const jinja_node *filters, const jinja_str *text, jinja_value *out)
{
    jinja_value before = j->captured;
    j->captured = jinja_of_str(text);
    bool ok = jinja_eval(j, filters, out);
    j->captured = before;
    return ok;
}

/* ---- Loops ---- */

/* The items of a loop's iterable that pass its test ("for x in y if test"). */
typedef struct filtered {
    const jinja_node *n;
    jinja_scope *scope; /* holds the target while the test runs */
} filtered;

static int next_filtered(jinja *j, jinja_iter *it, jinja_value *out)
{
    filtered *f = it->state;
    int got;
    while ((got = jinja_next(j, it->inner, out)) == JINJA_ITER_ITEM) {
        jinja_value test;
        jinja_scope *outer = j->scope;
        f->scope->n = 0;
        j->scope = f->scope;
        bool ok = jinja_assign(j, f->scope, f->n->loop.target, *out) && jinja_eval(j, f->n->loop.test, &test);
        j->scope = outer;
        if (!ok) return JINJA_ITER_FAILED;
        if (jinja_truth(test)) break;
    }
    return got;
}

static jinja_iter *loop_items(jinja *j, const jinja_node *n, jinja_scope *scope, jinja_value source)
{
    jinja_iter *it = jinja_iterate(j, source);
    if (!it || !n->loop.test) return it;
    filtered *f = jinja_alloc(j, sizeof *f);
    jinja_iter *outer = f ? jinja_iter_new(j, next_filtered, source) : NULL;
    if (!outer) return NULL;
    *f = (filtered){ n, jinja_scope_new(j, scope) };
    outer->inner = it;
    outer->state = f;
    return f->scope ? outer : NULL;
}

static int loop_next(jinja *j, jinja_loop *loop, jinja_value *item)
{
    int got = JINJA_ITER_ITEM;
    if (loop->after.kind != JINJA_MISSING) *item = loop->after;
    else got = jinja_next(j, loop->iter, item);
    loop->after = jinja_missing();
    if (got != JINJA_ITER_ITEM) return got;
    loop->index0++;
    loop->before = loop->current;
    loop->current = *item;
    return got;
}

static jinja_loop *new_loop(jinja *j, const jinja_node *n, jinja_scope *scope, jinja_value source, int64_t depth0)
{
    jinja_loop *loop = jinja_alloc(j, sizeof *loop);
    if (!loop) return NULL;
    *loop = (jinja_loop){
        .scope = scope, .index0 = -1, .depth0 = depth0, .length = -1, .recursive = n->loop.recursive ? n : NULL
    };
    loop->iter = loop_items(j, n, scope, source);
    loop->source = n->loop.test && loop->iter ? jinja_of_iter(loop->iter) : source;
    return loop->iter ? loop : NULL;
}

bool jinja_run_loop(jinja *j, const jinja_node *n, jinja_scope *scope, jinja_value source, int64_t depth0,
                    jinja_flow *flow)
{
    jinja_loop *loop = new_loop(j, n, scope, source, depth0);
    jinja_scope *outer = j->scope, *inner = loop ? jinja_scope_new(j, scope) : NULL;
    if (!inner) return false;
    jinja_value item, self = { .kind = JINJA_LOOP, .loop = loop };
    bool completed = false; /* an iteration reached its end, without break or continue: read by else */
    int got;
    *flow = JINJA_FLOW_NEXT;
    while ((got = loop_next(j, loop, &item)) == JINJA_ITER_ITEM) {
        inner->n = 0;
        if (!jinja_assign(j, inner, n->loop.target, item)) return false;
        if (n->loop.uses_loop && !jinja_scope_set(j, inner, j->t->loop_symbol, self)) return false;
        j->scope = inner;
        *flow = jinja_exec_body(j, &n->loop.body);
        j->scope = outer;
        if (*flow == JINJA_FLOW_FAILED) return false;
        completed |= *flow == JINJA_FLOW_NEXT;
        bool stop = *flow == JINJA_FLOW_BREAK;
        *flow = JINJA_FLOW_NEXT;
        if (stop) break;
    }
    if (got == JINJA_ITER_FAILED) return false;
    if (completed || n->loop.otherwise.list.n == 0) return true;
    inner = jinja_scope_new(j, scope);
    if (!inner) return false;
    j->scope = inner;
    *flow = jinja_exec_body(j, &n->loop.otherwise);
    j->scope = outer;
    return *flow != JINJA_FLOW_FAILED;
}

static bool peek(jinja *j, jinja_loop *loop, bool *last)
{
    *last = false;
    if (loop->after.kind != JINJA_MISSING) return true;
    int got = jinja_next(j, loop->iter, &loop->after);
    if (got == JINJA_ITER_ITEM) return true;
    loop->after = jinja_missing();
    *last = true;
    return got == JINJA_ITER_END;
}

/* The length of the walked value. A generator is walked to its end for this, and its items are kept. */
static bool loop_length(jinja *j, jinja_loop *loop, int64_t *length)
{
    if (loop->length < 0 && jinja_has_length(loop->source)) {
        size_t n;
        if (!jinja_length(j, loop->source, &n)) return false;
        loop->length = (int64_t)n;
    } else if (loop->length < 0) {
        jinja_list *rest = jinja_to_list(j, jinja_of_iter(loop->iter));
        if (!rest || !(loop->iter = jinja_iterate(j, jinja_of_list(rest)))) return false;
        loop->length = (int64_t)rest->n + loop->index0 + 1 + (loop->after.kind != JINJA_MISSING);
    }
    *length = loop->length;
    return true;
}

bool jinja_loop_attr(jinja *j, jinja_value v, const jinja_str *name, jinja_value *out)
{
    static const char *const names[] = { "index",     "index0", "first",  "last",     "length",  "revindex",
                                         "revindex0", "depth",  "depth0", "previtem", "nextitem" };
    jinja_loop *loop = v.loop;
    size_t which = 0;
    int64_t length = 0;
    bool last;
    while (which < 11 && !jinja_str_is(name, names[which])) which++;
    if (which >= 4 && which <= 6 && !loop_length(j, loop, &length)) return false;
    switch (which) {
    case 0: *out = jinja_int(loop->index0 + 1); return true;
    case 1: *out = jinja_int(loop->index0); return true;
    case 2: *out = jinja_bool(loop->index0 == 0); return true;
    case 3:
        if (!peek(j, loop, &last)) return false;
        *out = jinja_bool(last);
        return true;
    case 4: *out = jinja_int(length); return true;
    case 5: *out = jinja_int(length - loop->index0); return true;
    case 6: *out = jinja_int(length - loop->index0 - 1); return true;
    case 7: *out = jinja_int(loop->depth0 + 1); return true;
    case 8: *out = jinja_int(loop->depth0); return true;
    case 9:
        *out = loop->index0 == 0 ? jinja_undefined_hint(j, "there is no previous item") : loop->before;
        return out->kind != JINJA_MISSING;
    case 10:
        if (!peek(j, loop, &last)) return false;
        *out = last ? jinja_undefined_hint(j, "there is no next item") : loop->after;
        return out->kind != JINJA_MISSING;
    default: break;
    }
    const jinja_builtin *row = jinja_find_method(v, name);
    *out = jinja_missing();
    if (!row) return true;
    jinja_method *m = jinja_alloc(j, sizeof *m);
    if (!m) return false;
    *m = (jinja_method){ row, v };
    *out = (jinja_value){ .kind = JINJA_METHOD, .method = m };
    return true;
}

static jinja_flow exec_for(jinja *j, const jinja_node *n)
{
    jinja_value source;
    jinja_flow flow;
    if (!jinja_eval(j, n->loop.iter, &source)) return JINJA_FLOW_FAILED;
    j->line = n->line;
    if (!n->loop.recursive) return jinja_run_loop(j, n, j->scope, source, 0, &flow) ? flow : JINJA_FLOW_FAILED;
    jinja_capture c; /* a recursive loop is a function whose text is written at the end */
    jinja_capture_begin(j, &c);
    bool ok = jinja_run_loop(j, n, j->scope, source, 0, &flow);
    const jinja_str *text = jinja_capture_end(j, &c, ok);
    return text && jinja_write(j, text->data, text->n) ? flow : JINJA_FLOW_FAILED;
}

/* ---- The other statements ---- */

static jinja_flow exec_if(jinja *j, const jinja_node *n)
{
    for (int32_t i = 0; i < n->branch.tests.n; i++) {
        jinja_value test;
        if (!jinja_eval(j, n->branch.tests.at[i], &test)) return JINJA_FLOW_FAILED;
        if (jinja_truth(test)) return jinja_exec_body(j, &n->branch.bodies[i]);
    }
    return jinja_exec_body(j, &n->branch.bodies[n->branch.tests.n]);
}

static jinja_flow exec_set_block(jinja *j, const jinja_node *n)
{
    const jinja_str *text;
    jinja_value v;
    jinja_flow flow = capture_body(j, &n->set.body, &text);
    if (flow != JINJA_FLOW_NEXT) return flow;
    if (!filter_captured(j, n->set.value, text, &v) || !jinja_assign(j, j->scope, n->set.target, v))
        return JINJA_FLOW_FAILED;
    return JINJA_FLOW_NEXT;
}

static jinja_flow exec_filter_block(jinja *j, const jinja_node *n)
{
    const jinja_str *text;
    jinja_value v;
    jinja_flow flow = capture_body(j, &n->block.body, &text);
    if (flow != JINJA_FLOW_NEXT) return flow;
    return filter_captured(j, n->block.filter, text, &v) && write_str(j, v) ? flow : JINJA_FLOW_FAILED;
}

static bool new_macro(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_macro *m = jinja_alloc(j, sizeof *m);
    if (!m) return false;
    *m = (jinja_macro){ n, j->scope };
    *out = (jinja_value){ .kind = JINJA_MACRO, .macro = m };
    return true;
}

static bool exec_call_block(jinja *j, const jinja_node *n)
{
    jinja_value caller, callee, v;
    jinja_args args;
    const jinja_node *call = n->macro.call;
    if (!new_macro(j, n, &caller) || !jinja_eval(j, call->call.obj, &callee)) return false;
    if (!jinja_push_args(j, call->call.args, caller, &args)) return false;
    j->line = call->line;
    bool ok = jinja_call(j, callee, &args, &v);
    jinja_pop_args(j, &args);
    return ok && write_str(j, v);
}

/* with (targets and values) and generation (none): a body in a scope of its own. */
static jinja_flow exec_with(jinja *j, const jinja_node *n)
{
    jinja_scope *outer = j->scope, *scope = jinja_scope_new(j, outer);
    for (int32_t i = 0; scope && i < n->block.targets.n; i++) {
        jinja_value v;
        bool ok = jinja_eval(j, n->block.values.at[i], &v) && jinja_assign(j, scope, n->block.targets.at[i], v);
        if (!ok) return JINJA_FLOW_FAILED;
    }
    if (!scope) return JINJA_FLOW_FAILED;
    j->scope = scope;
    jinja_flow flow = jinja_exec_body(j, &n->block.body);
    j->scope = outer;
    return flow;
}

static bool exec_output(jinja *j, const jinja_node *n)
{
    for (int32_t i = 0; i < n->items.n; i++) {
        jinja_value v;
        if (!jinja_eval(j, n->items.at[i], &v) || !jinja_write_value(j, v)) return false;
    }
    return true;
}

static bool exec_set(jinja *j, const jinja_node *n)
{
    jinja_value v;
    return jinja_eval(j, n->set.value, &v) && jinja_assign(j, j->scope, n->set.target, v);
}

static jinja_flow exec_statement(jinja *j, const jinja_node *n)
{
    bool ok;
    jinja_value v;
    switch ((jinja_node_kind)n->kind) {
    case NODE_DATA: ok = jinja_write(j, n->text->data, n->text->n); break;
    case NODE_OUTPUT: ok = exec_output(j, n); break;
    case NODE_SET: ok = exec_set(j, n); break;
    case NODE_MACRO: ok = new_macro(j, n, &v) && jinja_scope_set(j, j->scope, n->macro.symbol, v); break;
    case NODE_CALL_BLOCK: ok = exec_call_block(j, n); break;
    case NODE_FOR: return exec_for(j, n);
    case NODE_IF: return exec_if(j, n);
    case NODE_SET_BLOCK: return exec_set_block(j, n);
    case NODE_FILTER_BLOCK: return exec_filter_block(j, n);
    case NODE_WITH:
    case NODE_SCOPE: return exec_with(j, n);
    case NODE_BREAK: return JINJA_FLOW_BREAK;
    case NODE_CONTINUE: return JINJA_FLOW_CONTINUE;
    default: ok = jinja_fail(j, SUMI_EFORMAT, "this is not a statement"); break;
    }
    return ok ? JINJA_FLOW_NEXT : JINJA_FLOW_FAILED;
}

jinja_flow jinja_exec(jinja *j, const jinja_node *n)
{
    if (!jinja_charge(j, 1) || !jinja_enter(j)) return JINJA_FLOW_FAILED;
    j->line = n->line;
    jinja_flow flow = exec_statement(j, n);
    jinja_leave(j);
    return flow;
}

jinja_flow jinja_exec_body(jinja *j, const jinja_body *body)
{
    for (int32_t i = 0; i < body->n_undefined; i++)
        if (!jinja_scope_set(j, j->scope, body->undefined[i], jinja_missing())) return JINJA_FLOW_FAILED;
    for (int32_t i = 0; i < body->list.n; i++) {
        jinja_flow flow = jinja_exec(j, body->list.at[i]);
        if (flow != JINJA_FLOW_NEXT) return flow;
    }
    return JINJA_FLOW_NEXT;
}
