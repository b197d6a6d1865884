/* jinja_expr.c - the parser of expressions. See jinja_parser.h.
 *
 * Precedence, loosest first, as in Jinja (which differs from Python in two places: "~" binds tighter than "+", and
 * "**" is left-associative and binds looser than a sign):
 *
 *   a if b else c    or    and    not    == != < <= > >= in, not in    + -    ~    * / // %    **    - + (signs)
 *   .name  [item]  (call)    |filter  is test
 *
 * Every node knows its height. It is bounded, which bounds the recursion of everything that walks the tree; the
 * parser's own recursion is bounded by the same number. */
#include "jinja/parse/jinja_parser.h"

#include <string.h>

#include "jinja/eval/jinja_eval.h"

static jinja_node *make_pair(jinja_parser *p, jinja_node_kind kind, int32_t line, jinja_node *left, jinja_node *right)
{
    jinja_node *n = jinja_node_new(p, kind, line);
    if (!n || !jinja_grow(p, n, left) || (right && !jinja_grow(p, n, right))) return NULL;
    n->pair.left = left;
    n->pair.right = right;
    return n;
}

static jinja_node *make_const(jinja_parser *p, int32_t line, jinja_value v)
{
    jinja_node *n = jinja_node_new(p, NODE_CONST, line);
    if (n) n->constant = v;
    return n;
}

static bool at(const jinja_parser *p, jinja_token_kind kind)
{
    return p->cur.kind == kind;
}

/* ---- Literals ---- */

static jinja_node *parse_strings(jinja_parser *p)
{
    int32_t line = p->cur.line;
    const char *data = p->cur.text;
    size_t n = p->cur.n_bytes, cap = n;
    if (!jinja_advance(p)) return NULL;
    char *joined = NULL;
    while (at(p, TOKEN_STRING)) { /* 'a' "b" is one string */
        if (!joined || p->cur.n_bytes > cap - n) {
            cap = (n + p->cur.n_bytes) * 2;
            joined = jinja_parser_alloc(p, cap);
            if (!joined) return NULL;
            memcpy(joined, data, n);
            data = joined;
        }
        memcpy(joined + n, p->cur.text, p->cur.n_bytes);
        n += p->cur.n_bytes;
        if (!jinja_advance(p)) return NULL;
    }
    const jinja_str *s = jinja_parser_str(p, data, n);
    return s ? make_const(p, line, jinja_of_str(s)) : NULL;
}

static jinja_node *parse_list(jinja_parser *p)
{
    jinja_node *n = jinja_node_new(p, NODE_LIST, p->cur.line);
    if (!n || !jinja_advance(p)) return NULL;
    while (!at(p, TOKEN_RBRACKET)) {
        if (n->items.n && !jinja_expect(p, TOKEN_COMMA)) return NULL;
        if (at(p, TOKEN_RBRACKET)) break;
        jinja_node *item = jinja_parse_expr(p, true);
        if (!item || !jinja_grow(p, n, item) || !jinja_nodes_push(p, &n->items, item)) return NULL;
    }
    return jinja_advance(p) ? n : NULL;
}

static jinja_node *parse_dict(jinja_parser *p)
{
    jinja_node *n = jinja_node_new(p, NODE_DICT, p->cur.line);
    if (!n || !jinja_advance(p)) return NULL;
    while (!at(p, TOKEN_RBRACE)) {
        if (n->items.n && !jinja_expect(p, TOKEN_COMMA)) return NULL;
        if (at(p, TOKEN_RBRACE)) break;
        jinja_node *key = jinja_parse_expr(p, true);
        if (!key || !jinja_grow(p, n, key) || !jinja_nodes_push(p, &n->items, key)) return NULL;
        if (!jinja_expect(p, TOKEN_COLON)) return NULL;
        jinja_node *value = jinja_parse_expr(p, true);
        if (!value || !jinja_grow(p, n, value) || !jinja_nodes_push(p, &n->items, value)) return NULL;
    }
    return jinja_advance(p) ? n : NULL;
}

static jinja_node *parse_name(jinja_parser *p, bool namespaces)
{
    jinja_token tok = p->cur;
    if (!jinja_advance(p)) return NULL;
    const jinja_str *name = jinja_parser_str(p, tok.text, tok.n_bytes);
    if (!name) return NULL;
    if (jinja_str_is(name, "true") || jinja_str_is(name, "True")) return make_const(p, tok.line, jinja_bool(true));
    if (jinja_str_is(name, "false") || jinja_str_is(name, "False")) return make_const(p, tok.line, jinja_bool(false));
    if (jinja_str_is(name, "none") || jinja_str_is(name, "None")) return make_const(p, tok.line, jinja_none());
    int32_t symbol = jinja_symbol(p, tok.text, tok.n_bytes);
    if (symbol < 0) return NULL;
    if (namespaces && at(p, TOKEN_DOT)) {
        jinja_node *n = jinja_node_new(p, NODE_NS_ATTR, tok.line);
        if (!n || !jinja_advance(p)) return NULL;
        n->attr.symbol = symbol;
        n->attr.name = jinja_parser_str(p, p->cur.text, p->cur.n_bytes);
        return n->attr.name && jinja_expect(p, TOKEN_NAME) ? n : NULL;
    }
    jinja_node *n = jinja_node_new(p, NODE_NAME, tok.line);
    if (!n) return NULL;
    n->var.symbol = symbol;
    n->var.name = p->t->symbols[symbol];
    return n;
}

jinja_node *jinja_parse_primary(jinja_parser *p, bool namespaces)
{
    jinja_token tok = p->cur;
    jinja_node *n = NULL;
    switch (tok.kind) {
    case TOKEN_NAME: return parse_name(p, namespaces);
    case TOKEN_STRING: return parse_strings(p);
    case TOKEN_INTEGER: n = make_const(p, tok.line, jinja_int(tok.integer)); break;
    case TOKEN_FLOAT: n = make_const(p, tok.line, jinja_float(tok.number)); break;
    case TOKEN_LBRACKET: return parse_list(p);
    case TOKEN_LBRACE: return parse_dict(p);
    case TOKEN_LPAREN:
        if (!jinja_advance(p)) return NULL;
        n = jinja_parse_tuple(p, true, NULL, true);
        return n && jinja_expect(p, TOKEN_RPAREN) ? n : NULL;
    default:
        jinja_parse_fail(p, tok.line, "unexpected %s%s%s", tok.kind >= TOKEN_ADD ? "'" : "", jinja_token_text(tok.kind),
                         tok.kind >= TOKEN_ADD ? "'" : "");
        return NULL;
    }
    return n && jinja_advance(p) ? n : NULL;
}

/* ---- Calls, subscripts, filters, tests ---- */

static bool parse_named_arg(jinja_parser *p, jinja_node *call, jinja_call_args *args)
{
    const jinja_str *name = jinja_parser_str(p, p->cur.text, p->cur.n_bytes);
    for (int32_t i = 0; name && i < args->named.n; i++)
        if (jinja_str_equal(args->names[i], name))
            return jinja_parse_fail(p, p->cur.line, "the argument '%.*s' is given twice", (int)name->n, name->data);
    if (!name || !jinja_advance(p) || !jinja_advance(p)) return false;
    jinja_node *value = jinja_parse_expr(p, true);
    if (!value || !jinja_grow(p, call, value)) return false;
    int32_t cap = args->named.cap;
    if (!jinja_nodes_push(p, &args->named, value)) return false;
    if (args->named.cap != cap) {
        const jinja_str **names = jinja_parser_alloc(p, (size_t)args->named.cap * sizeof *names);
        if (!names) return false;
        if (args->named.n > 1) memcpy(names, args->names, (size_t)(args->named.n - 1) * sizeof *names);
        args->names = names;
    }
    args->names[args->named.n - 1] = name;
    return true;
}

/* "(" already seen. Fills args; call is the node whose height grows. */
static bool parse_call_args(jinja_parser *p, jinja_node *call, jinja_call_args *args)
{
    int32_t line = p->cur.line;
    if (!jinja_expect(p, TOKEN_LPAREN)) return false;
    for (bool first = true; !at(p, TOKEN_RPAREN); first = false) {
        if (!first && !jinja_expect(p, TOKEN_COMMA)) return false;
        if (!first && at(p, TOKEN_RPAREN)) break;
        bool named = at(p, TOKEN_NAME) && p->ahead.kind == TOKEN_ASSIGN;
        bool star = at(p, TOKEN_MUL), star_star = at(p, TOKEN_POW);
        bool wrong = args->star_star || (star && args->star) ||
                     (!named && !star && !star_star && (args->star || args->named.n));
        if (wrong) return jinja_parse_fail(p, line, "invalid order of arguments in a call");
        if (named) {
            if (!parse_named_arg(p, call, args)) return false;
            continue;
        }
        if ((star || star_star) && !jinja_advance(p)) return false;
        jinja_node *value = jinja_parse_expr(p, true);
        if (!value || !jinja_grow(p, call, value)) return false;
        if (star) args->star = value;
        else if (star_star) args->star_star = value;
        else if (!jinja_nodes_push(p, &args->pos, value)) return false;
    }
    return jinja_expect(p, TOKEN_RPAREN);
}

static jinja_node *make_call(jinja_parser *p, jinja_node_kind kind, int32_t line, jinja_node *obj)
{
    jinja_node *n = jinja_node_new(p, kind, line);
    if (!n || !jinja_grow(p, n, obj) || !(n->call.args = jinja_parser_alloc(p, sizeof *n->call.args))) return NULL;
    *n->call.args = (jinja_call_args){ 0 };
    n->call.obj = obj;
    return n;
}

static jinja_node *parse_call(jinja_parser *p, jinja_node *obj)
{
    jinja_node *n = make_call(p, NODE_CALL, p->cur.line, obj);
    return n && parse_call_args(p, n, n->call.args) ? n : NULL;
}

/* "[1]", "[a:b:c]" or "[1, 2]"; "[" already seen. */
static jinja_node *parse_brackets(jinja_parser *p, jinja_node *obj, int32_t line)
{
    jinja_node *part[3] = { NULL, NULL, NULL };
    bool slice = false;
    int i = 0;
    for (; i < 3; i++) {
        if (!at(p, TOKEN_COLON) && !at(p, TOKEN_RBRACKET) && !at(p, TOKEN_COMMA)) {
            part[i] = jinja_parse_expr(p, true);
            if (!part[i]) return NULL;
        }
        if (i == 2 || !at(p, TOKEN_COLON)) break;
        slice = true;
        if (!jinja_advance(p)) return NULL;
    }
    if (!slice) {
        jinja_node *key = part[0];
        if (key && at(p, TOKEN_COMMA)) {
            jinja_node *tuple = jinja_node_new(p, NODE_TUPLE, line);
            if (!tuple || !jinja_grow(p, tuple, key) || !jinja_nodes_push(p, &tuple->items, key)) return NULL;
            while (at(p, TOKEN_COMMA)) {
                if (!jinja_advance(p) || !(key = jinja_parse_expr(p, true))) return NULL;
                if (!jinja_grow(p, tuple, key) || !jinja_nodes_push(p, &tuple->items, key)) return NULL;
            }
            key = tuple;
        }
        if (!key) {
            if (!(key = jinja_node_new(p, NODE_TUPLE, line))) return NULL; /* x[] is x[()] */
        }
        return jinja_expect(p, TOKEN_RBRACKET) ? make_pair(p, NODE_ITEM, line, obj, key) : NULL;
    }
    jinja_node *n = jinja_node_new(p, NODE_SLICE, line);
    if (!n || !jinja_grow(p, n, obj)) return NULL;
    for (i = 0; i < 3; i++)
        if (part[i] && !jinja_grow(p, n, part[i])) return NULL;
    n->slice.obj = obj;
    n->slice.start = part[0];
    n->slice.stop = part[1];
    n->slice.step = part[2];
    return jinja_expect(p, TOKEN_RBRACKET) ? n : NULL;
}

static jinja_node *parse_subscript(jinja_parser *p, jinja_node *obj)
{
    int32_t line = p->cur.line;
    bool dot = at(p, TOKEN_DOT);
    if (!jinja_advance(p)) return NULL;
    if (!dot) return parse_brackets(p, obj, line);
    if (at(p, TOKEN_INTEGER)) { /* x.0 is x[0] */
        jinja_node *key = make_const(p, line, jinja_int(p->cur.integer));
        return key && jinja_advance(p) ? make_pair(p, NODE_ITEM, line, obj, key) : NULL;
    }
    if (!at(p, TOKEN_NAME)) {
        jinja_parse_fail(p, p->cur.line, "expected a name or number behind '.'");
        return NULL;
    }
    jinja_node *n = jinja_node_new(p, NODE_ATTR, line);
    if (!n || !jinja_grow(p, n, obj)) return NULL;
    n->attr.obj = obj;
    n->attr.name = jinja_parser_str(p, p->cur.text, p->cur.n_bytes);
    return n->attr.name && jinja_advance(p) ? n : NULL;
}

static jinja_node *parse_postfix(jinja_parser *p, jinja_node *n)
{
    while (n) {
        if (at(p, TOKEN_DOT) || at(p, TOKEN_LBRACKET)) n = parse_subscript(p, n);
        else if (at(p, TOKEN_LPAREN)) n = parse_call(p, n);
        else break;
    }
    return n;
}

/* The (dotted) name of a filter or test, and its row. */
static bool parse_builtin_name(jinja_parser *p, jinja_node *n, bool filter)
{
    int32_t line = p->cur.line;
    const char *text = p->cur.text;
    size_t n_bytes = p->cur.n_bytes;
    if (!jinja_expect(p, TOKEN_NAME)) return false;
    while (at(p, TOKEN_DOT)) {
        if (!jinja_advance(p)) return false;
        if (at(p, TOKEN_NAME)) n_bytes = (size_t)(p->cur.text + p->cur.n_bytes - text);
        if (!jinja_expect(p, TOKEN_NAME)) return false;
    }
    n->call.name = jinja_parser_str(p, text, n_bytes);
    n->call.row = filter ? jinja_find_filter(text, n_bytes) : jinja_find_test(text, n_bytes);
    n->line = line;
    if (!n->call.row && !p->soft && !p->unknown) p->unknown = n;
    return n->call.name != NULL;
}

static jinja_node *parse_filter(jinja_parser *p, jinja_node *obj)
{
    jinja_node *n = make_call(p, NODE_FILTER, p->cur.line, obj);
    if (!n || !parse_builtin_name(p, n, true)) return NULL;
    if (at(p, TOKEN_LPAREN) && !parse_call_args(p, n, n->call.args)) return NULL;
    return n;
}

/* "is" already seen. A test may take one argument without parentheses: "x is divisibleby 3". */
static jinja_node *parse_test(jinja_parser *p, jinja_node *obj)
{
    bool negated = false;
    int32_t line = p->cur.line;
    if (!jinja_skip_name(p, "not", &negated)) return NULL;
    jinja_node *n = make_call(p, NODE_TEST, line, obj);
    if (!n || !parse_builtin_name(p, n, false)) return NULL;
    bool operand = at(p, TOKEN_NAME) || at(p, TOKEN_STRING) || at(p, TOKEN_INTEGER) || at(p, TOKEN_FLOAT) ||
                   at(p, TOKEN_LBRACKET) || at(p, TOKEN_LBRACE);
    if (at(p, TOKEN_LPAREN)) {
        if (!parse_call_args(p, n, n->call.args)) return NULL;
    } else if (operand && !jinja_at_name(p, "else") && !jinja_at_name(p, "or") && !jinja_at_name(p, "and")) {
        if (jinja_at_name(p, "is")) {
            jinja_parse_fail(p, p->cur.line, "tests cannot be chained with 'is'");
            return NULL;
        }
        jinja_node *arg = parse_postfix(p, jinja_parse_primary(p, false));
        if (!arg || !jinja_grow(p, n, arg) || !jinja_nodes_push(p, &n->call.args->pos, arg)) return NULL;
    }
    return negated ? make_pair(p, NODE_NOT, line, n, NULL) : n;
}

static jinja_node *parse_filters(jinja_parser *p, jinja_node *n)
{
    while (n) {
        if (at(p, TOKEN_PIPE)) n = jinja_advance(p) ? parse_filter(p, n) : NULL;
        else if (jinja_at_name(p, "is")) n = jinja_advance(p) ? parse_test(p, n) : NULL;
        else if (at(p, TOKEN_LPAREN)) n = parse_call(p, n);
        else break;
    }
    return n;
}

jinja_node *jinja_parse_block_filter(jinja_parser *p, bool first_inline)
{
    jinja_node *n = jinja_node_new(p, NODE_CAPTURED, p->cur.line);
    if (n && first_inline) n = parse_filter(p, n);
    while (n && at(p, TOKEN_PIPE)) n = jinja_advance(p) ? parse_filter(p, n) : NULL;
    return n;
}

/* ---- Operators ---- */

/* with_filters: a sign binds tighter than "|" of its own operand: -x|abs is (-x)|abs. */
static jinja_node *parse_unary(jinja_parser *p, bool with_filters)
{
    jinja_node *n;
    if (!jinja_parser_enter(p)) return NULL;
    int32_t line = p->cur.line;
    if (at(p, TOKEN_SUB) || at(p, TOKEN_ADD)) {
        jinja_node_kind kind = at(p, TOKEN_SUB) ? NODE_NEG : NODE_POS;
        n = jinja_advance(p) ? parse_unary(p, false) : NULL;
        if (n) n = make_pair(p, kind, line, n, NULL);
    } else n = jinja_parse_primary(p, false);
    n = parse_postfix(p, n);
    if (with_filters) n = parse_filters(p, n);
    p->depth--;
    return n;
}

enum { LEVEL_SUM, LEVEL_CONCAT, LEVEL_PRODUCT, LEVEL_POWER, LEVEL_UNARY };

/* The operator at this token, if it belongs to the level: its jinja_op, or -1. */
static int operator_at(const jinja_parser *p, int level)
{
    switch (p->cur.kind) {
    case TOKEN_ADD: return level == LEVEL_SUM ? JINJA_ADD : -1;
    case TOKEN_SUB: return level == LEVEL_SUM ? JINJA_SUB : -1;
    case TOKEN_MUL: return level == LEVEL_PRODUCT ? JINJA_MUL : -1;
    case TOKEN_DIV: return level == LEVEL_PRODUCT ? JINJA_DIV : -1;
    case TOKEN_FLOORDIV: return level == LEVEL_PRODUCT ? JINJA_FLOORDIV : -1;
    case TOKEN_MOD: return level == LEVEL_PRODUCT ? JINJA_MOD : -1;
    case TOKEN_POW: return level == LEVEL_POWER ? JINJA_POW : -1;
    default: return -1;
    }
}

static jinja_node *parse_math(jinja_parser *p, int level);

static jinja_node *parse_concat(jinja_parser *p)
{
    int32_t line = p->cur.line;
    jinja_node *n = parse_math(p, LEVEL_PRODUCT);
    if (!n || !at(p, TOKEN_TILDE)) return n;
    jinja_node *concat = jinja_node_new(p, NODE_CONCAT, line);
    if (!concat) return NULL;
    for (;;) {
        if (!jinja_grow(p, concat, n) || !jinja_nodes_push(p, &concat->items, n)) return NULL;
        if (!at(p, TOKEN_TILDE)) return concat;
        if (!jinja_advance(p) || !(n = parse_math(p, LEVEL_PRODUCT))) return NULL;
    }
}

static jinja_node *parse_math(jinja_parser *p, int level)
{
    if (level == LEVEL_UNARY) return parse_unary(p, true);
    if (level == LEVEL_CONCAT) return parse_concat(p);
    jinja_node *left = parse_math(p, level + 1);
    int op;
    while (left && (op = operator_at(p, level)) >= 0) {
        int32_t line = p->cur.line;
        jinja_node *right = jinja_advance(p) ? parse_math(p, level + 1) : NULL;
        if (!right || !(left = make_pair(p, NODE_BINARY, line, left, right))) return NULL;
        left->op = (uint8_t)op;
    }
    return left;
}

static int compare_op_at(const jinja_parser *p)
{
    switch (p->cur.kind) {
    case TOKEN_EQ: return CMP_EQ;
    case TOKEN_NE: return CMP_NE;
    case TOKEN_LT: return CMP_LT;
    case TOKEN_LE: return CMP_LE;
    case TOKEN_GT: return CMP_GT;
    case TOKEN_GE: return CMP_GE;
    default: break;
    }
    if (jinja_at_name(p, "in")) return CMP_IN;
    bool not_in = jinja_at_name(p, "not") && p->ahead.kind == TOKEN_NAME && p->ahead.n_bytes == 2 &&
                  !memcmp(p->ahead.text, "in", 2);
    return not_in ? CMP_NOT_IN : -1;
}

static jinja_node *parse_compare(jinja_parser *p)
{
    jinja_node *first = parse_math(p, LEVEL_SUM);
    int op = first ? compare_op_at(p) : -1;
    if (op < 0) return first;
    jinja_node *n = jinja_node_new(p, NODE_COMPARE, p->cur.line);
    if (!n || !jinja_grow(p, n, first)) return NULL;
    n->compare.first = first;
    for (; op >= 0; op = compare_op_at(p)) {
        if (!jinja_advance(p) || (op == CMP_NOT_IN && !jinja_advance(p))) return NULL;
        jinja_node *right = parse_math(p, LEVEL_SUM);
        int32_t cap = n->compare.rest.cap;
        if (!right || !jinja_grow(p, n, right) || !jinja_nodes_push(p, &n->compare.rest, right)) return NULL;
        if (cap != n->compare.rest.cap) {
            uint8_t *ops = jinja_parser_alloc(p, (size_t)n->compare.rest.cap);
            if (!ops) return NULL;
            if (cap) memcpy(ops, n->compare.ops, (size_t)cap);
            n->compare.ops = ops;
        }
        n->compare.ops[n->compare.rest.n - 1] = (uint8_t)op;
    }
    return n;
}

static jinja_node *parse_not(jinja_parser *p)
{
    int32_t line = p->cur.line;
    if (!jinja_at_name(p, "not")) return parse_compare(p);
    if (!jinja_parser_enter(p)) return NULL;
    jinja_node *n = jinja_advance(p) ? parse_not(p) : NULL;
    p->depth--;
    return n ? make_pair(p, NODE_NOT, line, n, NULL) : NULL;
}

static jinja_node *parse_and(jinja_parser *p)
{
    jinja_node *left = parse_not(p);
    while (left && jinja_at_name(p, "and")) {
        int32_t line = p->cur.line;
        jinja_node *right = jinja_advance(p) ? parse_not(p) : NULL;
        left = right ? make_pair(p, NODE_AND, line, left, right) : NULL;
    }
    return left;
}

static jinja_node *parse_or(jinja_parser *p)
{
    jinja_node *left = parse_and(p);
    while (left && jinja_at_name(p, "or")) {
        int32_t line = p->cur.line;
        jinja_node *right = jinja_advance(p) ? parse_and(p) : NULL;
        left = right ? make_pair(p, NODE_OR, line, left, right) : NULL;
    }
    return left;
}

jinja_node *jinja_parse_expr(jinja_parser *p, bool with_cond)
{
    if (!jinja_parser_enter(p)) return NULL;
    const jinja_node *unknown = p->unknown;
    jinja_node *n = parse_or(p);
    while (n && with_cond && jinja_at_name(p, "if")) {
        jinja_node *cond = jinja_node_new(p, NODE_COND, p->cur.line), *no = NULL;
        p->unknown = unknown;
        p->soft++;
        jinja_node *test = cond && jinja_advance(p) ? parse_or(p) : NULL;
        bool has_else = false, ok = test && jinja_skip_name(p, "else", &has_else);
        if (ok && has_else) ok = (no = jinja_parse_expr(p, true)) != NULL;
        p->soft--;
        ok = ok && jinja_grow(p, cond, n) && jinja_grow(p, cond, test) && (!no || jinja_grow(p, cond, no));
        if (!ok) {
            n = NULL;
            break;
        }
        cond->cond.test = test;
        cond->cond.yes = n;
        cond->cond.no = no;
        n = cond;
    }
    p->depth--;
    return n;
}

jinja_node *jinja_parse_tuple(jinja_parser *p, bool with_cond, const char *until, bool parentheses)
{
    int32_t line = p->cur.line;
    jinja_node *tuple = NULL, *first = NULL;
    for (;;) {
        bool ends = at(p, TOKEN_VARIABLE_END) || at(p, TOKEN_BLOCK_END) || at(p, TOKEN_RPAREN) ||
                    (until && jinja_at_name(p, until));
        if (ends) break;
        jinja_node *item = jinja_parse_expr(p, with_cond);
        if (!item) return NULL;
        if (!first) first = item;
        if (!tuple && !at(p, TOKEN_COMMA)) return item;
        if (!tuple && !(tuple = jinja_node_new(p, NODE_TUPLE, line))) return NULL;
        if (!jinja_grow(p, tuple, item) || !jinja_nodes_push(p, &tuple->items, item)) return NULL;
        if (!at(p, TOKEN_COMMA)) return tuple;
        if (!jinja_advance(p)) return NULL;
    }
    if (tuple) return tuple;
    if (parentheses) return jinja_node_new(p, NODE_TUPLE, line);
    jinja_parse_fail(p, p->cur.line, "expected an expression, got '%s'", jinja_token_text(p->cur.kind));
    return NULL;
}
