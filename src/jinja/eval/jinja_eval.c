/* jinja_eval.c - the evaluator of expressions. See jinja_eval.h.
 *
 * One function for each kind of node, so that the frame of jinja_eval() itself, which recurs, stays small. */
#include "jinja/eval/jinja_eval.h"

/* ---- Names ---- */

jinja_value jinja_lookup(const jinja *j, int32_t symbol)
{
    for (const jinja_scope *s = j->scope; s; s = s->parent)
        for (int32_t i = s->n - 1; i >= 0; i--)
            if (s->bindings[i].symbol == symbol) return s->bindings[i].value;
    return j->globals[symbol];
}

static void eval_name(jinja *j, const jinja_node *n, jinja_value *out)
{
    *out = jinja_lookup(j, n->var.symbol);
    if (out->kind == JINJA_MISSING) *out = jinja_undefined(JINJA_NO_NAME, n->var.name, JINJA_MISSING);
}

/* ---- Literals ---- */

static bool eval_list(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_list *list = jinja_list_new(j, (size_t)n->items.n);
    for (int32_t i = 0; list && i < n->items.n; i++) {
        jinja_value v;
        if (!jinja_eval(j, n->items.at[i], &v) || !jinja_list_push(j, list, v)) return false;
    }
    if (list) *out = n->kind == NODE_LIST ? jinja_of_list(list) : jinja_of_tuple(list);
    return list != NULL;
}

static bool eval_dict(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_dict *d = jinja_dict_new(j, (size_t)n->items.n / 2);
    for (int32_t i = 0; d && i < n->items.n; i += 2) {
        jinja_value key, value;
        if (!jinja_eval(j, n->items.at[i], &key) || !jinja_eval(j, n->items.at[i + 1], &value)) return false;
        if (!jinja_dict_set(j, d, key, value)) return false;
    }
    if (d) *out = jinja_of_dict(d);
    return d != NULL;
}

/* ---- Subscripts ---- */

static bool eval_attr(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value obj;
    if (!jinja_eval(j, n->attr.obj, &obj)) return false;
    j->line = n->line;
    return jinja_get_attr(j, obj, n->attr.name, out);
}

static bool eval_item(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value obj, key;
    if (!jinja_eval(j, n->pair.left, &obj) || !jinja_eval(j, n->pair.right, &key)) return false;
    j->line = n->line;
    return jinja_get_item(j, obj, key, out);
}

static bool eval_slice(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value obj, part[3];
    const jinja_node *nodes[] = { n->slice.start, n->slice.stop, n->slice.step };
    if (!jinja_eval(j, n->slice.obj, &obj)) return false;
    for (int i = 0; i < 3; i++) {
        part[i] = jinja_missing();
        if (nodes[i] && !jinja_eval(j, nodes[i], &part[i])) return false;
    }
    j->line = n->line;
    return jinja_get_slice(j, obj, part[0], part[1], part[2], out);
}

/* ---- Calls, filters, tests ---- */

static bool eval_call(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value callee;
    jinja_args args;
    if (!jinja_eval(j, n->call.obj, &callee) || !jinja_push_args(j, n->call.args, jinja_missing(), &args)) return false;
    j->line = n->line;
    bool ok = jinja_call(j, callee, &args, out);
    jinja_pop_args(j, &args);
    return ok;
}

static bool eval_builtin(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value self;
    jinja_args args;
    if (!n->call.row)
        return jinja_fail(j, SUMI_EUNSUPPORTED, "no %s named '%.*s'", n->kind == NODE_FILTER ? "filter" : "test",
                          (int)(n->call.name->n > 100 ? 100 : n->call.name->n), n->call.name->data);
    if (!jinja_eval(j, n->call.obj, &self) || !jinja_push_args(j, n->call.args, jinja_missing(), &args)) return false;
    j->line = n->line;
    bool ok = jinja_call_builtin(j, n->call.row, self, &args, out);
    jinja_pop_args(j, &args);
    return ok;
}

/* ---- Operators ---- */

static bool eval_binary(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value a, b;
    if (!jinja_eval(j, n->pair.left, &a) || !jinja_eval(j, n->pair.right, &b)) return false;
    j->line = n->line;
    return jinja_binary(j, n->op, a, b, out);
}

static bool eval_unary(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value v;
    if (!jinja_eval(j, n->pair.left, &v)) return false;
    j->line = n->line;
    if (n->kind != NODE_NOT) return jinja_negate(j, v, n->kind == NODE_NEG, out);
    *out = jinja_bool(!jinja_truth(v));
    return true;
}

static bool eval_and_or(jinja *j, const jinja_node *n, jinja_value *out)
{
    if (!jinja_eval(j, n->pair.left, out)) return false;
    if (jinja_truth(*out) != (n->kind == NODE_AND)) return true;
    return jinja_eval(j, n->pair.right, out);
}

static bool eval_concat(jinja *j, const jinja_node *n, jinja_value *out)
{
    const jinja_str *s = NULL;
    for (int32_t i = 0; i < n->items.n; i++) {
        jinja_value v;
        if (!jinja_eval(j, n->items.at[i], &v)) return false;
        const jinja_str *part = jinja_to_str(j, v);
        if (!part) return false;
        s = s ? jinja_str_concat(j, s, part) : part;
        if (!s) return false;
    }
    *out = jinja_of_str(s);
    return true;
}

static bool compare(jinja *j, jinja_compare_op op, jinja_value a, jinja_value b, bool *result)
{
    bool equal = false;
    switch (op) {
    case CMP_EQ: return jinja_equal(j, a, b, result);
    case CMP_NE:
        if (!jinja_equal(j, a, b, result)) return false;
        *result = !*result;
        return true;
    case CMP_LT: return jinja_less(j, a, b, "<", result);
    case CMP_GT: return jinja_less(j, b, a, ">", result);
    case CMP_LE:
        if (!jinja_less(j, a, b, "<=", result) || (!*result && !jinja_equal(j, a, b, &equal))) return false;
        *result |= equal;
        return true;
    case CMP_GE:
        if (!jinja_less(j, b, a, ">=", result) || (!*result && !jinja_equal(j, a, b, &equal))) return false;
        *result |= equal;
        return true;
    case CMP_IN: return jinja_contains(j, a, b, result);
    case CMP_NOT_IN:
        if (!jinja_contains(j, a, b, result)) return false;
        *result = !*result;
        return true;
    }
    return false;
}

/* a < b < c is a < b and b < c, with b evaluated once. */
static bool eval_compare(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value a, b;
    bool result = true;
    if (!jinja_eval(j, n->compare.first, &a)) return false;
    for (int32_t i = 0; result && i < n->compare.rest.n; i++, a = b) {
        if (!jinja_eval(j, n->compare.rest.at[i], &b)) return false;
        j->line = n->line;
        if (!compare(j, n->compare.ops[i], a, b, &result)) return false;
    }
    *out = jinja_bool(result);
    return true;
}

static bool eval_cond(jinja *j, const jinja_node *n, jinja_value *out)
{
    jinja_value test;
    if (!jinja_eval(j, n->cond.test, &test)) return false;
    if (jinja_truth(test)) return jinja_eval(j, n->cond.yes, out);
    if (n->cond.no) return jinja_eval(j, n->cond.no, out);
    *out = jinja_undefined_hint(j, "an inline if without else was false");
    return out->kind != JINJA_MISSING;
}

static bool eval_node(jinja *j, const jinja_node *n, jinja_value *out)
{
    switch ((jinja_node_kind)n->kind) {
    case NODE_TUPLE:
    case NODE_LIST: return eval_list(j, n, out);
    case NODE_DICT: return eval_dict(j, n, out);
    case NODE_ATTR: return eval_attr(j, n, out);
    case NODE_ITEM: return eval_item(j, n, out);
    case NODE_SLICE: return eval_slice(j, n, out);
    case NODE_CALL: return eval_call(j, n, out);
    case NODE_FILTER:
    case NODE_TEST: return eval_builtin(j, n, out);
    case NODE_NOT:
    case NODE_NEG:
    case NODE_POS: return eval_unary(j, n, out);
    case NODE_BINARY: return eval_binary(j, n, out);
    case NODE_AND:
    case NODE_OR: return eval_and_or(j, n, out);
    case NODE_CONCAT: return eval_concat(j, n, out);
    case NODE_COMPARE: return eval_compare(j, n, out);
    case NODE_COND: return eval_cond(j, n, out);
    case NODE_CAPTURED: *out = j->captured; return true;
    default: return jinja_fail(j, SUMI_EFORMAT, "this cannot be evaluated");
    }
}

bool jinja_eval(jinja *j, const jinja_node *n, jinja_value *out)
{
    if (!jinja_charge(j, 1)) return false;
    if (n->kind == NODE_CONST) {
        *out = n->constant;
        return true;
    }
    j->line = n->line;
    if (n->kind == NODE_NAME) {
        eval_name(j, n, out);
        return true;
    }
    if (!jinja_enter(j)) return false;
    bool ok = eval_node(j, n, out);
    jinja_leave(j);
    return ok;
}
