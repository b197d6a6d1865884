/* jinja_parser.c - the parser of statements, and functions of both halves of the parser. See jinja_parser.h. */
#include "jinja/parse/jinja_parser.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "jinja/eval/jinja_eval.h"
#include "jinja/parse/jinja_scopes.h"
#include "jinja/str/jinja_unicode.h"

#define MAX_SOURCE_BYTES ((size_t)1 << 20) /* the largest chat templates in use have some 20 KiB */
#define MAX_TREE_BYTES   ((size_t)256 << 20)
#define MAX_DEPTH        JINJA_MAX_HEIGHT

/* ---- Errors, tokens, memory ---- */

bool jinja_parse_fail(jinja_parser *p, int32_t line, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (p->status == SUMI_OK)
        p->status = sumi_fail(p->err, SUMI_EFORMAT, "%s: line %d: %s", p->t->name, (int)line, what);
    return false;
}

bool jinja_parser_enter(jinja_parser *p)
{
    if (p->depth < MAX_DEPTH) {
        p->depth++;
        return true;
    }
    if (p->status == SUMI_OK)
        p->status = sumi_fail(p->err, SUMI_ELIMIT, "%s: line %d: nested more than %d levels deep", p->t->name,
                              (int)p->cur.line, MAX_DEPTH);
    return false;
}

void *jinja_parser_alloc(jinja_parser *p, size_t n)
{
    void *mem = jinja_arena_alloc(&p->t->arena, n);
    if (!mem && p->status == SUMI_OK)
        p->status = sumi_fail(p->err, p->t->arena.status, "%s: line %d: no memory for the template", p->t->name,
                              (int)p->cur.line);
    return mem;
}

bool jinja_advance(jinja_parser *p)
{
    p->cur = p->ahead;
    sumi_status status = jinja_lexer_next(&p->lexer, &p->ahead);
    if (status != SUMI_OK && p->status == SUMI_OK) p->status = status;
    return status == SUMI_OK;
}

static bool name_is(const jinja_token *tok, const char *name)
{
    return tok->kind == TOKEN_NAME && tok->n_bytes == strlen(name) && !memcmp(tok->text, name, tok->n_bytes);
}

bool jinja_at_name(const jinja_parser *p, const char *name)
{
    return name_is(&p->cur, name);
}

bool jinja_skip_name(jinja_parser *p, const char *name, bool *skipped)
{
    *skipped = jinja_at_name(p, name);
    return !*skipped || jinja_advance(p);
}

bool jinja_expect_name(jinja_parser *p, const char *name)
{
    if (jinja_at_name(p, name)) return jinja_advance(p);
    return jinja_parse_fail(p, p->cur.line, "expected '%s'", name);
}

bool jinja_expect(jinja_parser *p, jinja_token_kind kind)
{
    if (p->cur.kind == kind) return jinja_advance(p);
    if (p->cur.kind == TOKEN_NAME)
        return jinja_parse_fail(p, p->cur.line, "expected '%s', got '%.*s'", jinja_token_text(kind),
                                (int)(p->cur.n_bytes > 100 ? 100 : p->cur.n_bytes), p->cur.text);
    return jinja_parse_fail(p, p->cur.line, "expected '%s', got '%s'", jinja_token_text(kind),
                            jinja_token_text(p->cur.kind));
}

const jinja_str *jinja_parser_str(jinja_parser *p, const char *data, size_t n)
{
    jinja_str *s = jinja_parser_alloc(p, sizeof *s);
    if (s) *s = (jinja_str){ data, n, jinja_utf8_count(data, n), NULL };
    return s;
}

/* Names of variables are few, so a walk finds them; a template with very many is refused rather than slow. */
#define MAX_SYMBOLS 4096

int32_t jinja_symbol(jinja_parser *p, const char *name, size_t n)
{
    jinja_template *t = p->t;
    for (int32_t i = 0; i < t->n_symbols; i++)
        if (t->symbols[i]->n == n && !memcmp(t->symbols[i]->data, name, n)) return i;
    if (t->n_symbols == MAX_SYMBOLS) {
        jinja_parse_fail(p, p->cur.line, "more than %d different variables", MAX_SYMBOLS);
        return -1;
    }
    if (t->n_symbols == t->cap_symbols) {
        int32_t cap = t->cap_symbols ? t->cap_symbols * 2 : 32;
        const jinja_str **symbols = jinja_parser_alloc(p, (size_t)cap * sizeof *symbols);
        if (!symbols) return -1;
        if (t->n_symbols) memcpy(symbols, t->symbols, (size_t)t->n_symbols * sizeof *symbols);
        t->symbols = symbols;
        t->cap_symbols = cap;
    }
    const jinja_str *s = jinja_parser_str(p, name, n);
    if (!s) return -1;
    t->symbols[t->n_symbols] = s;
    return t->n_symbols++;
}

jinja_node *jinja_node_new(jinja_parser *p, jinja_node_kind kind, int32_t line)
{
    jinja_node *n = jinja_parser_alloc(p, sizeof *n);
    if (n) *n = (jinja_node){ .kind = (uint8_t)kind, .height = 1, .line = line };
    return n;
}

bool jinja_grow(jinja_parser *p, jinja_node *parent, const jinja_node *child)
{
    if (child->height < parent->height) return true;
    if (child->height >= JINJA_MAX_HEIGHT) {
        if (p->status == SUMI_OK)
            p->status = sumi_fail(p->err, SUMI_ELIMIT, "%s: line %d: nested more than %d levels deep", p->t->name,
                                  (int)parent->line, JINJA_MAX_HEIGHT);
        return false;
    }
    parent->height = (int16_t)(child->height + 1);
    return true;
}

bool jinja_nodes_push(jinja_parser *p, jinja_nodes *nodes, jinja_node *n)
{
    if (nodes->n == nodes->cap) {
        int32_t cap = nodes->cap ? nodes->cap * 2 : 4;
        jinja_node **at = jinja_parser_alloc(p, (size_t)cap * sizeof(*at));
        if (!at) return false;
        if (nodes->n) memcpy(at, nodes->at, (size_t)nodes->n * sizeof(*at));
        nodes->at = at;
        nodes->cap = cap;
    }
    nodes->at[nodes->n++] = n;
    return true;
}

/* ---- Bodies ---- */

static jinja_node *parse_statement(jinja_parser *p);

static bool at_one_of(const jinja_parser *p, const char *const *names)
{
    for (; names && *names; names++)
        if (jinja_at_name(p, *names)) return true;
    return false;
}

/* One piece of a body: text, "{{ }}" or "{% %}". */
static jinja_node *parse_piece(jinja_parser *p)
{
    jinja_node *n;
    if (p->cur.kind == TOKEN_DATA) {
        n = jinja_node_new(p, NODE_DATA, p->cur.line);
        if (!n || !(n->text = jinja_parser_str(p, p->cur.text, p->cur.n_bytes))) return NULL;
        return jinja_advance(p) ? n : NULL;
    }
    n = jinja_node_new(p, NODE_OUTPUT, p->cur.line);
    if (!n || !jinja_advance(p)) return NULL;
    jinja_node *value = jinja_parse_tuple(p, true, NULL, false);
    if (!value || !jinja_grow(p, n, value) || !jinja_nodes_push(p, &n->items, value)) return NULL;
    return jinja_expect(p, TOKEN_VARIABLE_END) ? n : NULL;
}

/* Parses statements up to a tag named in ends (NULL: up to the end of the template); the current token is then this name.
 * The height of parent grows with them. */
static bool parse_body(jinja_parser *p, jinja_node *parent, jinja_body *body, const char *const *ends)
{
    if (!jinja_parser_enter(p)) return false;
    while (p->cur.kind != TOKEN_END) {
        jinja_node *n;
        if (p->cur.kind == TOKEN_BLOCK_BEGIN) {
            if (!jinja_advance(p)) return false;
            if (at_one_of(p, ends)) {
                p->depth--;
                return true;
            }
            n = parse_statement(p);
            if (!n || !jinja_expect(p, TOKEN_BLOCK_END)) return false;
        } else n = parse_piece(p);
        if (!n || (parent && !jinja_grow(p, parent, n)) || !jinja_nodes_push(p, &body->list, n)) return false;
    }
    p->depth--;
    if (!ends) return true;
    return jinja_parse_fail(p, p->cur.line, "the template ends where '%s' is expected", ends[0]);
}

/* The end of the opening tag, the body, and, if there is only one way to end, that name. */
static bool parse_block_body(jinja_parser *p, jinja_node *parent, jinja_body *body, const char *const *ends)
{
    if (p->cur.kind == TOKEN_COLON && !jinja_advance(p)) return false;
    if (!jinja_expect(p, TOKEN_BLOCK_END) || !parse_body(p, parent, body, ends)) return false;
    return ends[1] || jinja_advance(p);
}

/* The same for bodies that Jinja compiles to a function of their own: loops around do not reach into them. */
static bool parse_function_body(jinja_parser *p, jinja_node *parent, jinja_body *body, const char *const *ends)
{
    int32_t loops = p->loop_depth, soft = p->soft;
    p->loop_depth = p->soft = 0;
    bool ok = parse_block_body(p, parent, body, ends);
    p->loop_depth = loops;
    p->soft = soft;
    return ok;
}

/* ---- Targets of assignments ---- */

static bool can_assign(jinja_parser *p, const jinja_node *n)
{
    if (n->kind == NODE_NAME || n->kind == NODE_NS_ATTR) return true;
    if (n->kind != NODE_TUPLE) return jinja_parse_fail(p, n->line, "cannot assign to this expression");
    for (int32_t i = 0; i < n->items.n; i++)
        if (!can_assign(p, n->items.at[i])) return false;
    return true;
}

/* "a", "a, b", "(a, b)", with namespaces also "ns.a". until: the name after the target, or NULL. */
static jinja_node *parse_target(jinja_parser *p, const char *until, bool namespaces)
{
    int32_t line = p->cur.line;
    jinja_node *tuple = NULL, *item = NULL;
    for (;;) {
        if (tuple &&
            (p->cur.kind == TOKEN_BLOCK_END || p->cur.kind == TOKEN_ASSIGN || (until && jinja_at_name(p, until))))
            break;
        if (!(item = jinja_parse_primary(p, namespaces))) return NULL;
        if (!tuple && p->cur.kind != TOKEN_COMMA) return can_assign(p, item) ? item : NULL;
        if (!tuple && !(tuple = jinja_node_new(p, NODE_TUPLE, line))) return NULL;
        if (!jinja_grow(p, tuple, item) || !jinja_nodes_push(p, &tuple->items, item)) return NULL;
        if (p->cur.kind != TOKEN_COMMA) break;
        if (!jinja_advance(p)) return NULL;
    }
    return can_assign(p, tuple) ? tuple : NULL;
}

/* A plain name: its symbol, or -1. */
static int32_t parse_target_name(jinja_parser *p, const jinja_str **name)
{
    static const char *const constants[] = { "true", "True", "false", "False", "none", "None", NULL };
    int32_t symbol = -1;
    if (at_one_of(p, constants)) jinja_parse_fail(p, p->cur.line, "cannot assign to a constant");
    else if (p->cur.kind == TOKEN_NAME) symbol = jinja_symbol(p, p->cur.text, p->cur.n_bytes);
    if (symbol >= 0) *name = p->t->symbols[symbol];
    return jinja_expect(p, TOKEN_NAME) ? symbol : -1;
}

/* ---- Statements. The current token is the one after the tag's name. ---- */

static jinja_node *parse_for(jinja_parser *p, int32_t line)
{
    static const char *const ends[] = { "endfor", "else", NULL }, *const else_ends[] = { "endfor", NULL };
    jinja_node *n = jinja_node_new(p, NODE_FOR, line);
    if (!n || !(n->loop.target = parse_target(p, "in", false)) || !jinja_expect_name(p, "in")) return NULL;
    if (!(n->loop.iter = jinja_parse_tuple(p, false, "recursive", false)) || !jinja_grow(p, n, n->loop.iter))
        return NULL;
    int32_t soft = p->soft;
    p->soft = 0;
    if (jinja_at_name(p, "if")) {
        if (!jinja_advance(p) || !(n->loop.test = jinja_parse_expr(p, true)) || !jinja_grow(p, n, n->loop.test))
            return NULL;
    }
    if (!jinja_skip_name(p, "recursive", &n->loop.recursive)) return NULL;
    p->loop_depth++;
    bool ok = parse_block_body(p, n, &n->loop.body, ends);
    p->loop_depth--;
    bool has_else = ok && jinja_at_name(p, "else");
    ok = ok && jinja_advance(p) && (!has_else || parse_block_body(p, n, &n->loop.otherwise, else_ends));
    p->soft = soft;
    if (!ok) return NULL;
    int32_t loop = p->t->loop_symbol;
    jinja_name_use use = jinja_name_use_in(&n->loop.body, loop);
    n->loop.uses_loop = use.read || n->loop.recursive;
    if (use.stored || jinja_target_has(n->loop.target, loop) || jinja_name_use_in(&n->loop.otherwise, loop).stored) {
        jinja_parse_fail(p, line, "cannot assign to the special variable 'loop' in a for loop");
        return NULL;
    }
    return n;
}

static jinja_node *parse_if(jinja_parser *p, int32_t line)
{
    static const char *const ends[] = { "elif", "else", "endif", NULL }, *const else_ends[] = { "endif", NULL };
    jinja_node *n = jinja_node_new(p, NODE_IF, line);
    int32_t cap = 0;
    if (!n) return NULL;
    p->soft++;
    for (;;) {
        jinja_node *test = jinja_parse_tuple(p, false, NULL, false);
        if (!test || !jinja_grow(p, n, test) || !jinja_nodes_push(p, &n->branch.tests, test)) return NULL;
        if (n->branch.tests.cap + 1 != cap) { /* one body more than tests: that of else */
            cap = n->branch.tests.cap + 1;
            jinja_body *bodies = jinja_parser_alloc(p, (size_t)cap * sizeof *bodies);
            if (!bodies) return NULL;
            memset(bodies, 0, (size_t)cap * sizeof *bodies);
            if (n->branch.bodies) memcpy(bodies, n->branch.bodies, (size_t)n->branch.tests.n * sizeof *bodies);
            n->branch.bodies = bodies;
        }
        if (!parse_block_body(p, n, &n->branch.bodies[n->branch.tests.n - 1], ends)) return NULL;
        bool more = jinja_at_name(p, "elif"), has_else = jinja_at_name(p, "else");
        if (!jinja_advance(p)) return NULL;
        if (more) continue;
        if (has_else && !parse_block_body(p, n, &n->branch.bodies[n->branch.tests.n], else_ends)) return NULL;
        p->soft--;
        return n;
    }
}

static jinja_node *parse_set(jinja_parser *p, int32_t line)
{
    static const char *const ends[] = { "endset", NULL };
    jinja_node *n = jinja_node_new(p, NODE_SET, line);
    if (!n || !(n->set.target = parse_target(p, NULL, true))) return NULL;
    if (p->cur.kind == TOKEN_ASSIGN) {
        if (!jinja_advance(p) || !(n->set.value = jinja_parse_tuple(p, true, NULL, false))) return NULL;
        return jinja_grow(p, n, n->set.value) ? n : NULL;
    }
    n->kind = NODE_SET_BLOCK;
    int32_t soft = p->soft; /* like every scope of its own, it is compiled as if no if were around */
    p->soft = 0;
    n->set.value = jinja_parse_block_filter(p, false);
    bool ok = n->set.value && jinja_grow(p, n, n->set.value) && parse_block_body(p, n, &n->set.body, ends);
    p->soft = soft;
    return ok ? n : NULL;
}

static bool push_param(jinja_parser *p, jinja_signature *sig, int32_t symbol, const jinja_str *name)
{
    if (sig->n == sig->cap) {
        int32_t cap = sig->cap ? sig->cap * 2 : 4;
        size_t n = (size_t)cap, old = (size_t)sig->n;
        const jinja_str **names = jinja_parser_alloc(p, n * sizeof *names);
        int32_t *symbols = jinja_parser_alloc(p, n * sizeof *symbols);
        jinja_node **defaults = jinja_parser_alloc(p, n * sizeof(*defaults));
        if (!names || !symbols || !defaults) return false;
        if (old) {
            memcpy(names, sig->names, old * sizeof *names);
            memcpy(symbols, sig->symbols, old * sizeof *symbols);
            memcpy(defaults, sig->defaults, old * sizeof(*defaults));
        }
        sig->names = names;
        sig->symbols = symbols;
        sig->defaults = defaults;
        sig->cap = cap;
    }
    for (int32_t i = 0; i < sig->n; i++)
        if (sig->symbols[i] == symbol) return jinja_parse_fail(p, p->cur.line, "a parameter has the name of another");
    sig->names[sig->n] = name;
    sig->symbols[sig->n] = symbol;
    sig->defaults[sig->n++] = NULL;
    return true;
}

/* "(a, b=1)" */
static bool parse_signature(jinja_parser *p, jinja_node *n)
{
    jinja_signature *sig = n->macro.sig;
    int32_t soft = p->soft;
    p->soft = 0;
    if (!jinja_expect(p, TOKEN_LPAREN)) return false;
    while (p->cur.kind != TOKEN_RPAREN) {
        const jinja_str *name = NULL;
        if (sig->n && !jinja_expect(p, TOKEN_COMMA)) return false;
        int32_t symbol = parse_target_name(p, &name);
        if (symbol < 0 || !push_param(p, sig, symbol, name)) return false;
        if (p->cur.kind == TOKEN_ASSIGN) {
            if (!jinja_advance(p)) return false;
            jinja_node *value = jinja_parse_expr(p, true);
            if (!value || !jinja_grow(p, n, value)) return false;
            sig->defaults[sig->n - 1] = value;
        } else if (sig->n > 1 && sig->defaults[sig->n - 2]) {
            return jinja_parse_fail(p, p->cur.line, "a parameter without default follows one with a default");
        }
    }
    p->soft = soft;
    return jinja_advance(p);
}

/* Which of caller, varargs and kwargs the body reads: only then does the macro take them. */
static bool find_special_params(jinja_parser *p, jinja_node *n)
{
    jinja_signature *sig = n->macro.sig;
    static const char *const names[] = { "caller", "varargs", "kwargs" };
    int32_t *const special[] = { &sig->caller, &sig->varargs, &sig->kwargs };
    for (int i = 0; i < 3; i++) {
        int32_t symbol = jinja_symbol(p, names[i], strlen(names[i])), at = 0;
        if (symbol < 0) return false;
        while (at < sig->n && sig->symbols[at] != symbol) at++;
        bool read = jinja_name_use_in(&n->macro.body, symbol).read;
        *special[i] = read && at == sig->n ? symbol : -1;
        if (i == 0) sig->explicit_caller = at < sig->n;
        if (i == 0) sig->reads_caller = read;
        if (i == 0 && read && at < sig->n && !sig->defaults[at])
            return jinja_parse_fail(p, n->line, "the parameter 'caller' must be left out or have a default");
    }
    return true;
}

static jinja_node *new_macro(jinja_parser *p, jinja_node_kind kind, int32_t line)
{
    jinja_node *n = jinja_node_new(p, kind, line);
    if (!n || !(n->macro.sig = jinja_parser_alloc(p, sizeof *n->macro.sig))) return NULL;
    *n->macro.sig = (jinja_signature){ .caller = -1, .varargs = -1, .kwargs = -1 };
    n->macro.symbol = -1;
    return n;
}

static jinja_node *parse_macro(jinja_parser *p, int32_t line)
{
    static const char *const ends[] = { "endmacro", NULL };
    jinja_node *n = new_macro(p, NODE_MACRO, line);
    if (!n || (n->macro.symbol = parse_target_name(p, &n->macro.name)) < 0 || !parse_signature(p, n)) return NULL;
    return parse_function_body(p, n, &n->macro.body, ends) && find_special_params(p, n) ? n : NULL;
}

static jinja_node *parse_call_block(jinja_parser *p, int32_t line)
{
    static const char *const ends[] = { "endcall", NULL };
    jinja_node *n = new_macro(p, NODE_CALL_BLOCK, line);
    if (!n || (p->cur.kind == TOKEN_LPAREN && !parse_signature(p, n))) return NULL;
    jinja_node *call = jinja_parse_expr(p, true);
    if (!call || !jinja_grow(p, n, call)) return NULL;
    if (call->kind != NODE_CALL) {
        jinja_parse_fail(p, line, "expected a call");
        return NULL;
    }
    n->macro.call = call;
    return parse_function_body(p, n, &n->macro.body, ends) && find_special_params(p, n) ? n : NULL;
}

static jinja_node *parse_filter_block(jinja_parser *p, int32_t line)
{
    static const char *const ends[] = { "endfilter", NULL };
    jinja_node *n = jinja_node_new(p, NODE_FILTER_BLOCK, line);
    int32_t soft = p->soft;
    p->soft = 0;
    bool ok = n && (n->block.filter = jinja_parse_block_filter(p, true)) && jinja_grow(p, n, n->block.filter) &&
              parse_block_body(p, n, &n->block.body, ends);
    p->soft = soft;
    return ok ? n : NULL;
}

static jinja_node *parse_with(jinja_parser *p, int32_t line)
{
    static const char *const ends[] = { "endwith", NULL };
    jinja_node *n = jinja_node_new(p, NODE_WITH, line);
    while (n && p->cur.kind != TOKEN_BLOCK_END) {
        if (n->block.targets.n && !jinja_expect(p, TOKEN_COMMA)) return NULL;
        jinja_node *target = parse_target(p, NULL, false);
        if (!target || !jinja_expect(p, TOKEN_ASSIGN) || !jinja_nodes_push(p, &n->block.targets, target)) return NULL;
        jinja_node *value = jinja_parse_expr(p, true);
        if (!value || !jinja_grow(p, n, value) || !jinja_nodes_push(p, &n->block.values, value)) return NULL;
    }
    int32_t soft = p->soft;
    p->soft = 0;
    bool ok = n && parse_block_body(p, n, &n->block.body, ends);
    p->soft = soft;
    return ok ? n : NULL;
}

/* {% generation %} marks the assistant's text, for training; here it only makes a scope. */
static jinja_node *parse_generation(jinja_parser *p, int32_t line)
{
    static const char *const ends[] = { "endgeneration", NULL };
    jinja_node *n = jinja_node_new(p, NODE_SCOPE, line);
    return n && parse_function_body(p, n, &n->block.body, ends) ? n : NULL;
}

static jinja_node *parse_print(jinja_parser *p, int32_t line)
{
    jinja_node *n = jinja_node_new(p, NODE_OUTPUT, line);
    while (n && p->cur.kind != TOKEN_BLOCK_END) {
        if (n->items.n && !jinja_expect(p, TOKEN_COMMA)) return NULL;
        jinja_node *value = jinja_parse_expr(p, true);
        if (!value || !jinja_grow(p, n, value) || !jinja_nodes_push(p, &n->items, value)) return NULL;
    }
    return n;
}

static jinja_node *parse_loop_control(jinja_parser *p, int32_t line, jinja_node_kind kind)
{
    if (p->loop_depth) return jinja_node_new(p, kind, line);
    jinja_parse_fail(p, line, "'%s' outside of a loop", kind == NODE_BREAK ? "break" : "continue");
    return NULL;
}

static jinja_node *parse_statement(jinja_parser *p)
{
    static const struct {
        const char *name;
        jinja_node *(*parse)(jinja_parser *p, int32_t line);
    } statements[] = {
        { "for", parse_for },         { "if", parse_if },
        { "set", parse_set },         { "macro", parse_macro },
        { "call", parse_call_block }, { "filter", parse_filter_block },
        { "with", parse_with },       { "generation", parse_generation },
        { "print", parse_print },
    };
    static const char *const refused[] = { "include", "import", "from", "extends", "block", "autoescape", NULL };
    jinja_token tag = p->cur;
    bool is_refused = at_one_of(p, refused), is_break = jinja_at_name(p, "break"),
         is_continue = jinja_at_name(p, "continue");
    if (!jinja_expect(p, TOKEN_NAME)) return NULL;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (name_is(&tag, statements[i].name)) return statements[i].parse(p, tag.line);
    if (is_break || is_continue) return parse_loop_control(p, tag.line, is_break ? NODE_BREAK : NODE_CONTINUE);
    jinja_parse_fail(p, tag.line,
                     is_refused ? "the tag '%.*s' is not supported in a chat template" : "unknown tag '%.*s'",
                     (int)(tag.n_bytes > 100 ? 100 : tag.n_bytes), tag.text);
    return NULL;
}

/* ---- The whole template ---- */

static sumi_status parse_template(jinja_parser *p, const char *source, size_t n_bytes)
{
    sumi_status status = jinja_lexer_init(&p->lexer, &p->t->arena, source, n_bytes, p->t->name, p->err);
    if (status != SUMI_OK) return status;
    p->t->loop_symbol = jinja_symbol(p, "loop", 4);
    if (p->t->loop_symbol < 0 || !jinja_advance(p) || !jinja_advance(p)) return p->status;
    if (!parse_body(p, NULL, &p->t->body, NULL)) return p->status;
    if (p->unknown) {
        const jinja_str *name = p->unknown->call.name;
        jinja_parse_fail(p, p->unknown->line, "no %s named '%.*s'", p->unknown->kind == NODE_FILTER ? "filter" : "test",
                         (int)(name->n > 100 ? 100 : name->n), name->data);
        return p->status;
    }
    return jinja_scopes_resolve(p->t, p->err);
}

sumi_status jinja_template_compile(jinja_template **out, const char *source, size_t n_bytes, const char *name,
                                   sumi_error *err)
{
    *out = NULL;
    if (n_bytes > MAX_SOURCE_BYTES)
        return sumi_fail(err, SUMI_ELIMIT, "%s: a template of %zu bytes; the limit is %zu", name, n_bytes,
                         MAX_SOURCE_BYTES);
    jinja_template *t = calloc(1, sizeof *t);
    jinja_parser *p = calloc(1, sizeof *p);
    sumi_status status = SUMI_ENOMEM;
    if (t) jinja_arena_init(&t->arena, MAX_TREE_BYTES);
    if (!t || !p || !(t->name = strdup(name))) {
        sumi_fail(err, status, "%s: out of memory", name);
    } else {
        locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = c ? uselocale(c) : (locale_t)0;
        *p = (jinja_parser){ .t = t, .err = err };
        status = parse_template(p, source, n_bytes); /* numbers are read with a point in every locale */
        if (c) {
            uselocale(before);
            freelocale(c);
        }
    }
    free(p);
    if (status == SUMI_OK) *out = t;
    else jinja_template_destroy(t);
    return status;
}

void jinja_template_destroy(jinja_template *t)
{
    if (!t) return;
    jinja_arena_deinit(&t->arena);
    free(t->name);
    free(t);
}
