/* jinja_scopes.c - see jinja_scopes.h.
 *
 * Jinja compiles each scope to Python code with local variables. For every name of a scope it decides where the value
 * comes from when the scope is entered: from the enclosing scope, from the variables of the rendering, or from nowhere. It
 * is nowhere if the first use of the name in the scope is an assignment (outside of any if) and no enclosing scope uses
 * the name. Inside this scope the name is then undefined until the assignment, even if the rendering has a variable of
 * this name:
 *
 *   {% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% set x = 1 %}       m() shows nothing, whatever x was given
 *
 * The evaluator looks names up from the innermost scope outwards, which gives the same values in all other cases. So each
 * scope needs only a list of the names that begin undefined. */
#include "jinja/parse/jinja_scopes.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* ---- A walk over names, in the order of Jinja's own tree ---- */

typedef enum name_event { NAME_LOAD, NAME_STORE, NAME_PARAM } name_event;

typedef struct visitor {
    void (*name)(struct visitor *v, int32_t symbol, name_event event);
    bool inside;      /* also visit inner scopes; false: only the scope itself */
    int32_t branches; /* ifs around */
    /* for the use of one name: */
    int32_t symbol;
    jinja_name_use use;
    bool written;
    /* for the names of one scope: */
    struct frame *frame;
} visitor;

static void visit(visitor *v, const jinja_node *n);

static void visit_all(visitor *v, const jinja_nodes *nodes)
{
    for (int32_t i = 0; i < nodes->n; i++) visit(v, nodes->at[i]);
}

static void visit_maybe(visitor *v, const jinja_node *n)
{
    if (n) visit(v, n);
}

static void visit_target(visitor *v, const jinja_node *n, name_event event)
{
    if (n->kind == NODE_NAME) v->name(v, n->var.symbol, event);
    if (n->kind == NODE_NS_ATTR && !v->inside) v->name(v, n->attr.symbol, NAME_LOAD);
    if (n->kind == NODE_TUPLE)
        for (int32_t i = 0; i < n->items.n; i++) visit_target(v, n->items.at[i], event);
}

static void visit_signature(visitor *v, const jinja_signature *sig)
{
    for (int32_t i = 0; i < sig->n; i++) v->name(v, sig->symbols[i], NAME_PARAM);
    for (int32_t i = 0; i < sig->n; i++) visit_maybe(v, sig->defaults[i]);
}

static void visit_branches(visitor *v, const jinja_node *n)
{
    visit(v, n->branch.tests.at[0]); /* the only part that always runs */
    v->branches++;
    for (int32_t i = 0; i < n->branch.tests.n; i++) {
        if (i > 0) visit(v, n->branch.tests.at[i]);
        visit_all(v, &n->branch.bodies[i].list);
    }
    visit_all(v, &n->branch.bodies[n->branch.tests.n].list);
    v->branches--;
}

/* A statement as a part of its scope. */
static void visit_statement(visitor *v, const jinja_node *n)
{
    switch (n->kind) {
    case NODE_FOR:
        if (v->inside) visit_target(v, n->loop.target, NAME_STORE);
        visit(v, n->loop.iter);
        if (!v->inside) break;
        visit_all(v, &n->loop.body.list);
        visit_all(v, &n->loop.otherwise.list);
        visit_maybe(v, n->loop.test);
        break;
    case NODE_IF: visit_branches(v, n); break;
    case NODE_SET:
        if (v->inside) visit_target(v, n->set.target, NAME_STORE);
        visit(v, n->set.value);
        if (!v->inside) visit_target(v, n->set.target, NAME_STORE);
        break;
    case NODE_SET_BLOCK:
        visit_target(v, n->set.target, NAME_STORE);
        if (!v->inside) break;
        visit(v, n->set.value);
        visit_all(v, &n->set.body.list);
        break;
    case NODE_MACRO:
    case NODE_CALL_BLOCK:
        if (n->macro.call) visit(v, n->macro.call);
        if (n->kind == NODE_MACRO && !v->inside) v->name(v, n->macro.symbol, NAME_STORE);
        if (!v->inside) break;
        visit_signature(v, n->macro.sig);
        visit_all(v, &n->macro.body.list);
        break;
    case NODE_WITH:
        if (v->inside)
            for (int32_t i = 0; i < n->block.targets.n; i++) visit_target(v, n->block.targets.at[i], NAME_PARAM);
        visit_all(v, &n->block.values);
        if (v->inside) visit_all(v, &n->block.body.list);
        break;
    case NODE_SCOPE:
    case NODE_FILTER_BLOCK:
        if (v->inside) visit_all(v, &n->block.body.list);
        visit_maybe(v, n->block.filter);
        break;
    default: break;
    }
}

static void visit(visitor *v, const jinja_node *n)
{
    switch (n->kind) {
    case NODE_NAME: v->name(v, n->var.symbol, NAME_LOAD); break;
    case NODE_TUPLE:
    case NODE_LIST:
    case NODE_DICT:
    case NODE_CONCAT:
    case NODE_OUTPUT: visit_all(v, &n->items); break;
    case NODE_ATTR: visit(v, n->attr.obj); break;
    case NODE_SLICE:
        visit(v, n->slice.obj);
        visit_maybe(v, n->slice.start);
        visit_maybe(v, n->slice.stop);
        visit_maybe(v, n->slice.step);
        break;
    case NODE_CALL:
    case NODE_FILTER:
    case NODE_TEST:
        visit(v, n->call.obj);
        visit_all(v, &n->call.args->pos);
        visit_all(v, &n->call.args->named);
        visit_maybe(v, n->call.args->star);
        visit_maybe(v, n->call.args->star_star);
        break;
    case NODE_NOT:
    case NODE_NEG:
    case NODE_POS:
    case NODE_ITEM:
    case NODE_BINARY:
    case NODE_AND:
    case NODE_OR:
        visit(v, n->pair.left);
        visit_maybe(v, n->pair.right);
        break;
    case NODE_COMPARE:
        visit(v, n->compare.first);
        visit_all(v, &n->compare.rest);
        break;
    case NODE_COND:
        visit(v, n->cond.test);
        visit(v, n->cond.yes);
        visit_maybe(v, n->cond.no);
        break;
    default: visit_statement(v, n);
    }
}

/* ---- Use of one name ---- */

static void note_use(visitor *v, int32_t symbol, name_event event)
{
    if (symbol != v->symbol) return;
    if (event == NAME_LOAD) v->use.read |= !v->written;
    else v->written = true;
    v->use.stored |= event == NAME_STORE;
}

jinja_name_use jinja_name_use_in(const jinja_body *body, int32_t symbol)
{
    visitor v = { .name = note_use, .inside = true, .symbol = symbol };
    visit_all(&v, &body->list);
    return v.use;
}

bool jinja_target_has(const jinja_node *target, int32_t symbol)
{
    visitor v = { .name = note_use, .inside = true, .symbol = symbol };
    visit_target(&v, target, NAME_STORE);
    return v.use.stored;
}

/* ---- Scopes ---- */

typedef struct frame {
    struct frame *parent;
    jinja_template *t;
    bool *mentioned;    /* [n_symbols] */
    int32_t *undefined; /* [n_symbols] room */
    int32_t n_undefined;
    sumi_status status; /* of the frame, and in the end of all frames inside */
} frame;

static void note_in_frame(visitor *v, int32_t symbol, name_event event)
{
    frame *f = v->frame;
    if (f->mentioned[symbol]) return;
    bool around = false;
    for (const frame *p = f->parent; p && !around; p = p->parent) around = p->mentioned[symbol];
    if (event == NAME_LOAD && around) return;
    f->mentioned[symbol] = true;
    if (event == NAME_STORE && !around && v->branches == 0) f->undefined[f->n_undefined++] = symbol;
}

static void resolve_inside(frame *f, const jinja_nodes *nodes);

static void frame_begin(frame *f, frame *parent, jinja_template *t)
{
    size_t n = (size_t)t->n_symbols;
    *f = (frame){
        .parent = parent, .t = t, .mentioned = calloc(n, sizeof(bool)), .undefined = calloc(n, sizeof(int32_t))
    };
    if (!f->mentioned || !f->undefined) f->status = SUMI_ENOMEM;
}

/* The parameters of the scope are noted already. */
static void frame_end(frame *f, visitor *v, jinja_body *body)
{
    if (f->status == SUMI_OK) visit_all(v, &body->list);
    if (f->status == SUMI_OK && f->n_undefined) {
        size_t n_bytes = (size_t)f->n_undefined * sizeof *f->undefined;
        body->undefined = jinja_arena_alloc(&f->t->arena, n_bytes);
        if (body->undefined) memcpy(body->undefined, f->undefined, n_bytes);
        else f->status = f->t->arena.status;
        body->n_undefined = f->n_undefined;
    }
    if (f->status == SUMI_OK) resolve_inside(f, &body->list);
    if (f->parent && f->status != SUMI_OK) f->parent->status = f->status;
    free(f->mentioned);
    free(f->undefined);
}

/* The scopes that one statement opens. */
static void resolve_statement(frame *parent, jinja_node *n)
{
    frame f;
    visitor v = { .name = note_in_frame, .frame = &f };
    jinja_body *body;
    if (n->kind == NODE_IF) {
        for (int32_t i = 0; i <= n->branch.tests.n; i++) resolve_inside(parent, &n->branch.bodies[i].list);
        return;
    }
    switch (n->kind) {
    case NODE_FOR: body = &n->loop.body; break;
    case NODE_MACRO:
    case NODE_CALL_BLOCK: body = &n->macro.body; break;
    case NODE_SET_BLOCK: body = &n->set.body; break;
    case NODE_WITH:
    case NODE_SCOPE:
    case NODE_FILTER_BLOCK: body = &n->block.body; break;
    default: return;
    }
    if (n->kind == NODE_FOR && n->loop.otherwise.list.n) {
        frame_begin(&f, parent, parent->t);
        frame_end(&f, &v, &n->loop.otherwise);
    }
    frame_begin(&f, parent, parent->t);
    if (f.status == SUMI_OK && n->kind == NODE_FOR) {
        if (n->loop.uses_loop) note_in_frame(&v, f.t->loop_symbol, NAME_PARAM);
        visit_target(&v, n->loop.target, NAME_PARAM);
    } else if (f.status == SUMI_OK && (n->kind == NODE_MACRO || n->kind == NODE_CALL_BLOCK)) {
        const jinja_signature *sig = n->macro.sig;
        const int32_t special[] = { sig->caller, sig->varargs, sig->kwargs };
        for (int i = 0; i < 3; i++)
            if (special[i] >= 0) note_in_frame(&v, special[i], NAME_PARAM);
        visit_signature(&v, sig);
    } else if (f.status == SUMI_OK && n->kind == NODE_WITH) {
        for (int32_t i = 0; i < n->block.targets.n; i++) visit_target(&v, n->block.targets.at[i], NAME_PARAM);
    }
    frame_end(&f, &v, body);
}

static void resolve_inside(frame *f, const jinja_nodes *nodes)
{
    for (int32_t i = 0; f->status == SUMI_OK && i < nodes->n; i++) resolve_statement(f, nodes->at[i]);
}

sumi_status jinja_scopes_resolve(jinja_template *t, sumi_error *err)
{
    frame root;
    visitor v = { .name = note_in_frame, .frame = &root };
    frame_begin(&root, NULL, t);
    frame_end(&root, &v, &t->body);
    if (root.status == SUMI_OK) return SUMI_OK;
    return sumi_fail(err, root.status, "%s: no memory for the template", t->name);
}
