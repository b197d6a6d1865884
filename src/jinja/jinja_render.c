/* jinja_render.c - one rendering from start to end: limits, variables from JSON, errors. See jinja.h. */
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "jinja/eval/jinja_eval.h"
#include "jinja/str/jinja_unicode.h"

jinja_limits jinja_limits_default(void)
{
    return (jinja_limits){ .max_steps = 50000000,
                           .max_value_bytes = (size_t)256 << 20,
                           .max_depth = 500,
                           .max_stack_bytes = (size_t)256 << 10 };
}

/* ---- Errors and limits ---- */

__attribute__((format(printf, 3, 0))) static bool fail(jinja *j, sumi_status status, const char *format, va_list args)
{
    char what[400];
    if (j->status != SUMI_OK) return false;
    vsnprintf(what, sizeof what, format, args);
    j->status = sumi_fail(j->err, status, "%s: line %d: %s", j->t->name, (int)j->line, what);
    return false;
}

bool jinja_fail(jinja *j, sumi_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(j, status, format, args);
    va_end(args);
    return false;
}

bool jinja_type_error(jinja *j, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(j, SUMI_EINVAL, format, args);
    va_end(args);
    return false;
}

bool jinja_charge(jinja *j, size_t n_bytes)
{
    j->steps += 1 + n_bytes / 16;
    if (j->steps <= j->limits.max_steps) return j->status == SUMI_OK;
    return jinja_fail(j, SUMI_ELIMIT, "the template takes more than %llu steps",
                      (unsigned long long)j->limits.max_steps);
}

bool jinja_enter(jinja *j)
{
    const char *here = __builtin_frame_address(0);
    size_t stack = here < j->stack_base ? (size_t)(j->stack_base - here) : 0; /* the stack grows down */
    if (j->depth < j->limits.max_depth && stack < j->limits.max_stack_bytes) {
        j->depth++;
        return true;
    }
    return jinja_fail(j, SUMI_ELIMIT, "nested too deep (%d levels)", (int)j->depth);
}

void jinja_leave(jinja *j)
{
    j->depth--;
}

void *jinja_alloc(jinja *j, size_t n)
{
    void *p = jinja_arena_alloc(&j->arena, n);
    if (!p && j->arena.status == SUMI_ELIMIT)
        jinja_fail(j, SUMI_ELIMIT, "the values take more than %zu bytes", j->limits.max_value_bytes);
    else if (!p) jinja_fail(j, SUMI_ENOMEM, "out of memory");
    return p;
}

/* ---- Variables ---- */

static bool from_json(jinja *j, const json_t *json, jinja_value *out);

static bool str_from_json(jinja *j, const char *data, size_t n, jinja_value *out)
{
    if (!jinja_utf8_valid(data, n)) return jinja_type_error(j, "a string in the variables is not UTF-8");
    return jinja_give_str(jinja_str_borrow(j, data, n), out); /* the caller keeps the JSON until the end */
}

static bool list_from_json(jinja *j, const json_t *json, jinja_value *out)
{
    size_t n = json_array_size(json);
    jinja_list *list = jinja_list_new(j, n);
    if (!list) return false;
    for (size_t i = 0; i < n; i++) {
        jinja_value v;
        if (!from_json(j, json_array_get(json, i), &v) || !jinja_list_push(j, list, v)) return false;
    }
    *out = jinja_of_list(list);
    return true;
}

static bool dict_from_json(jinja *j, const json_t *json, jinja_value *out)
{
    jinja_dict *d = jinja_dict_new(j, json_object_size(json));
    void *it = json_object_iter((json_t *)json); /* jansson's iteration does not write */
    for (; d && it; it = json_object_iter_next((json_t *)json, it)) {
        jinja_value key, v;
        const char *name = json_object_iter_key(it);
        if (!str_from_json(j, name, json_object_iter_key_len(it), &key) ||
            !from_json(j, json_object_iter_value(it), &v))
            return false;
        if (!jinja_dict_set(j, d, key, v)) return false;
    }
    if (d) *out = jinja_of_dict(d);
    return d != NULL;
}

static bool from_json(jinja *j, const json_t *json, jinja_value *out)
{
    bool ok = true;
    if (!jinja_charge(j, 1)) return false;
    switch (json_typeof(json)) {
    case JSON_NULL: *out = jinja_none(); return true;
    case JSON_TRUE: *out = jinja_bool(true); return true;
    case JSON_FALSE: *out = jinja_bool(false); return true;
    case JSON_INTEGER: *out = jinja_int(json_integer_value(json)); return true;
    case JSON_REAL: *out = jinja_float(json_real_value(json)); return true;
    case JSON_STRING: return str_from_json(j, json_string_value(json), json_string_length(json), out);
    case JSON_ARRAY:
    case JSON_OBJECT:
        if (!jinja_enter(j)) return false;
        ok = json_typeof(json) == JSON_ARRAY ? list_from_json(j, json, out) : dict_from_json(j, json, out);
        jinja_leave(j);
        return ok;
    }
    return false;
}

/* The initial value of each name in the template. Variables that the template does not use are not converted. */
static bool load_globals(jinja *j, const json_t *vars)
{
    size_t n = (size_t)j->t->n_symbols;
    j->globals = jinja_alloc(j, n * sizeof *j->globals);
    for (size_t i = 0; j->globals && i < n; i++) {
        const jinja_str *name = j->t->symbols[i];
        const json_t *json = json_object_getn(vars, name->data, name->n);
        const jinja_builtin *row = json ? NULL : jinja_find_function(name->data, name->n);
        j->globals[i] = jinja_missing();
        if (row) j->globals[i] = (jinja_value){ .kind = JINJA_FUNCTION, .function = row };
        if (json && !from_json(j, json, &j->globals[i])) return false;
    }
    return j->globals != NULL;
}

/* ---- Rendering ---- */

static void render(jinja *j, const json_t *vars)
{
    if (j->now_us < 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        j->now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    }
    j->scope = jinja_scope_new(j, NULL);
    if (j->scope && load_globals(j, vars)) jinja_exec_body(j, &j->t->body);
}

static void write_json(jinja *j, const json_t *json)
{
    jinja_value value;
    jinja_sb sb = { .j = j };
    const jinja_json_opts o = { .item_separator = jinja_str_literal(j, ", "),
                                .key_separator = jinja_str_literal(j, ": ") };
    const jinja_str *text = NULL;
    if (o.item_separator && o.key_separator && from_json(j, json, &value) && jinja_to_json(&sb, value, &o))
        text = jinja_sb_str(&sb);
    if (!text) return;
    buf_append(j->out, text->data, text->n);
    if (j->out->status != SUMI_OK) jinja_fail(j, j->out->status, "the text does not fit into memory");
}

/* Numbers and dates are written alike in every locale. */
static sumi_status run(jinja *j, const json_t *json, void (*work)(jinja *j, const json_t *json))
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = c ? uselocale(c) : (locale_t)0;
    j->stack_base = __builtin_frame_address(0);
    j->hash_key = hash_key_draw();
    jinja_arena_init(&j->arena, j->limits.max_value_bytes);
    work(j, json);
    jinja_arena_deinit(&j->arena);
    if (c) {
        uselocale(before);
        freelocale(c);
    }
    return j->status;
}

sumi_status jinja_template_render(const jinja_template *t, const json_t *vars, const jinja_limits *limits,
                                  int64_t now_us, buf *out, sumi_error *err)
{
    jinja j = { .t = t, .limits = *limits, .err = err, .line = 1, .out = out, .final_out = out, .now_us = now_us };
    return run(&j, vars, render);
}

sumi_status jinja_json_text(const json_t *json, const jinja_limits *limits, buf *out, sumi_error *err)
{
    const jinja_template none = { .name = "JSON" };
    jinja j = { .t = &none, .limits = *limits, .err = err, .line = 1, .out = out, .final_out = out };
    return run(&j, json, write_json);
}
