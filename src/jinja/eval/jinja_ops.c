/* jinja_ops.c - operators on values: arithmetic, `in`, obj[key], obj.name and slices. See jinja_value.h.
 *
 * Integers are 64 bits wide; where Python would use more digits, there is an error, never a wrong number. */
#include "jinja/eval/jinja_value.h"

#include <math.h>
#include <string.h>

#include "jinja/builtins/jinja_builtins.h"
#include "jinja/str/jinja_format.h"
#include "jinja/str/jinja_unicode.h"

static bool overflow(jinja *j)
{
    return jinja_fail(j, SUMI_ELIMIT, "an integer does not fit into 64 bits");
}

static bool power(jinja *j, int64_t base, int64_t exponent, jinja_value *out)
{
    if (exponent < 0) {
        if (base == 0) return jinja_type_error(j, "0.0 cannot be raised to a negative power");
        *out = jinja_float(pow((double)base, (double)exponent));
        return true;
    }
    int64_t result = 1;
    while (exponent) {
        if (exponent & 1 && __builtin_mul_overflow(result, base, &result)) return overflow(j);
        exponent >>= 1;
        if (exponent && __builtin_mul_overflow(base, base, &base)) return overflow(j);
    }
    *out = jinja_int(result);
    return true;
}

static bool int_op(jinja *j, jinja_op op, int64_t a, int64_t b, jinja_value *out)
{
    int64_t r = 0;
    bool too_large = false;
    if (b == 0 && (op == JINJA_DIV || op == JINJA_FLOORDIV || op == JINJA_MOD))
        return jinja_type_error(j, "division by zero");
    switch (op) {
    case JINJA_ADD: too_large = __builtin_add_overflow(a, b, &r); break;
    case JINJA_SUB: too_large = __builtin_sub_overflow(a, b, &r); break;
    case JINJA_MUL: too_large = __builtin_mul_overflow(a, b, &r); break;
    case JINJA_DIV: *out = jinja_float((double)((long double)a / (long double)b)); return true;
    case JINJA_FLOORDIV: /* rounds down, where C rounds to zero; only INT64_MIN / -1 has no result */
        too_large = b == -1 && a == INT64_MIN;
        if (!too_large) r = a / b - (a % b != 0 && (a % b < 0) != (b < 0));
        break;
    case JINJA_MOD:
        r = b == -1 ? 0 : a % b;
        if (r != 0 && (r < 0) != (b < 0)) r += b;
        break;
    case JINJA_POW: return power(j, a, b, out);
    }
    if (too_large) return overflow(j);
    *out = jinja_int(r);
    return true;
}

static bool float_power(jinja *j, double a, double b, jinja_value *out)
{
    if (a == 0 && b < 0) return jinja_type_error(j, "0.0 cannot be raised to a negative power");
    if (a < 0 && isfinite(a) && isfinite(b) && b != floor(b))
        return jinja_fail(j, SUMI_EUNSUPPORTED, "a power with a complex result is not supported");
    double r = pow(a, b);
    if (isinf(r) && isfinite(a) && isfinite(b)) return jinja_type_error(j, "the result of a power is too large");
    *out = jinja_float(r);
    return true;
}

static bool float_op(jinja *j, jinja_op op, double a, double b, jinja_value *out)
{
    double r = 0;
    if (b == 0 && (op == JINJA_DIV || op == JINJA_FLOORDIV || op == JINJA_MOD))
        return jinja_type_error(j, "float division by zero");
    switch (op) {
    case JINJA_ADD: r = a + b; break;
    case JINJA_SUB: r = a - b; break;
    case JINJA_MUL: r = a * b; break;
    case JINJA_DIV: r = a / b; break;
    case JINJA_FLOORDIV:
    case JINJA_MOD: { /* as CPython: the remainder has the sign of b, the quotient fits to it */
        double mod = fmod(a, b), quotient = (a - mod) / b;
        if (mod != 0 && (b < 0) != (mod < 0)) {
            mod += b;
            quotient -= 1;
        } else if (mod == 0) mod = copysign(0, b);
        if (op == JINJA_MOD) {
            r = mod;
            break;
        }
        r = quotient != 0 ? floor(quotient) : copysign(0, a / b);
        if (quotient - r > 0.5) r += 1;
        break;
    }
    case JINJA_POW: return float_power(j, a, b, out);
    }
    *out = jinja_float(r);
    return true;
}

static bool repeat(jinja *j, jinja_value v, int64_t times, jinja_value *out)
{
    size_t n_bytes = v.kind == JINJA_STR ? v.s->n : v.list->n * sizeof(jinja_value);
    *out = v;
    if (times > 0 && n_bytes && (uint64_t)times > j->limits.max_value_bytes / n_bytes)
        return jinja_fail(j, SUMI_ELIMIT, "the values take more than %zu bytes", j->limits.max_value_bytes);
    if (v.kind == JINJA_STR) {
        jinja_sb sb = { .j = j };
        for (int64_t i = 0; i < times && v.s->n && !sb.failed; i++) jinja_sb_add_str(&sb, v.s);
        return (out->s = jinja_sb_str(&sb)) != NULL;
    }
    jinja_list *list = jinja_list_new(j, 0);
    for (int64_t i = 0; list && i < times && v.list->n; i++)
        if (!jinja_charge(j, 16 * v.list->n) || !(list = jinja_list_concat(j, list, v.list))) return false;
    out->list = list;
    return list != NULL;
}

static bool add(jinja *j, jinja_value a, jinja_value b, jinja_value *out)
{
    if (a.kind == JINJA_STR && b.kind == JINJA_STR) {
        const jinja_str *x = a.s, *y = b.s;
        uint8_t markup = (a.flag | b.flag) & JINJA_MARKUP;
        if (markup && !(a.flag & JINJA_MARKUP))
            x = jinja_escape(j, x); /* Markup escapes the text that is joined to it */
        if (markup && !(b.flag & JINJA_MARKUP)) y = jinja_escape(j, y);
        const jinja_str *s = x && y ? jinja_str_concat(j, x, y) : NULL;
        if (!s) return false;
        *out = jinja_of_str(s);
        out->flag = markup;
        return true;
    }
    jinja_list *list = jinja_list_concat(j, a.list, b.list);
    if (!list) return false;
    *out = a;
    out->list = list;
    return true;
}

static bool is_sequence(jinja_value v)
{
    return v.kind == JINJA_STR || v.kind == JINJA_LIST || v.kind == JINJA_TUPLE;
}

bool jinja_binary(jinja *j, jinja_op op, jinja_value a, jinja_value b, jinja_value *out)
{
    static const char *const signs[] = { "+", "-", "*", "/", "//", "%", "**" };
    int64_t x, y;
    if (!jinja_charge(j, 1)) return false;
    if (op == JINJA_MOD && a.kind == JINJA_STR) return jinja_format_percent(j, a, b, out);
    if (a.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, a);
    if (b.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, b);
    if (jinja_as_int(a, &x) && jinja_as_int(b, &y)) return int_op(j, op, x, y, out);
    if (jinja_is_number(a) && jinja_is_number(b)) return float_op(j, op, jinja_as_double(a), jinja_as_double(b), out);
    if (op == JINJA_ADD && a.kind == b.kind && is_sequence(a)) return add(j, a, b, out);
    if (op == JINJA_MUL && is_sequence(a) && jinja_as_int(b, &y)) return repeat(j, a, y, out);
    if (op == JINJA_MUL && is_sequence(b) && jinja_as_int(a, &x)) return repeat(j, b, x, out);
    return jinja_type_error(j, "unsupported operand type(s) for %s: '%s' and '%s'", signs[op], jinja_type_name(a),
                            jinja_type_name(b));
}

bool jinja_negate(jinja *j, jinja_value v, bool minus, jinja_value *out)
{
    int64_t i;
    if (v.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, v);
    if (v.kind == JINJA_FLOAT) {
        *out = jinja_float(minus ? -v.f : v.f);
        return true;
    }
    if (!jinja_as_int(v, &i))
        return jinja_type_error(j, "bad operand type for unary %c: '%s'", minus ? '-' : '+', jinja_type_name(v));
    if (minus && i == INT64_MIN) return overflow(j);
    *out = jinja_int(minus ? -i : i);
    return true;
}

static bool contains_item(jinja *j, jinja_value item, jinja_value container, bool *in)
{
    jinja_iter *it = jinja_iterate(j, container);
    if (!it) return false;
    jinja_value v;
    int got = JINJA_ITER_END;
    *in = false;
    while (!*in && (got = jinja_next(j, it, &v)) == JINJA_ITER_ITEM) {
        *in = jinja_same(v, item);
        if (!*in && !jinja_equal(j, v, item, in)) return false;
    }
    return *in || got == JINJA_ITER_END;
}

bool jinja_contains(jinja *j, jinja_value item, jinja_value container, bool *in)
{
    jinja_value *found;
    switch (container.kind) {
    case JINJA_STR:
        if (item.kind == JINJA_UNDEFINED)
            return jinja_type_error(j, "'in <string>' requires string as left operand, not Undefined");
        if (item.kind != JINJA_STR)
            return jinja_type_error(j, "'in <string>' requires string as left operand, not %s", jinja_type_name(item));
        *in = memmem(container.s->data, container.s->n, item.s->data, item.s->n) != NULL;
        return jinja_charge(j, container.s->n + item.s->n);
    case JINJA_DICT:
        if (!jinja_dict_find(j, container.dict, item, &found)) return false;
        *in = found != NULL;
        return true;
    case JINJA_VIEW:
        if (container.flag != JINJA_KEYS) return contains_item(j, item, container, in);
        if (!jinja_dict_find(j, container.dict, item, &found)) return false;
        *in = found != NULL;
        return true;
    default: return contains_item(j, item, container, in);
    }
}

static bool char_at(jinja *j, jinja_value s, size_t i, jinja_value *out)
{
    size_t from = jinja_str_offset(s.s, i);
    *out = s;
    if (s.s->n != s.s->n_chars && !jinja_charge(j, from)) return false;
    out->s = jinja_str_part(j, s.s, from, from + jinja_char_bytes(s.s->data + from));
    return out->s != NULL;
}

/* obj[key] as Python's obj.__getitem__: MISSING where that raises TypeError or LookupError. */
static bool subscript(jinja *j, jinja_value obj, jinja_value key, jinja_value *out)
{
    int64_t i, n;
    *out = jinja_missing();
    if (obj.kind == JINJA_DICT) {
        jinja_value *v;
        if (key.kind == JINJA_LIST || key.kind == JINJA_DICT || key.kind == JINJA_VIEW) return true; /* unhashable */
        if (!jinja_dict_find(j, obj.dict, key, &v)) return false;
        if (v) *out = *v;
        return true;
    }
    if (!jinja_as_int(key, &i)) return true;
    if (obj.kind == JINJA_STR) n = (int64_t)obj.s->n_chars;
    else if (obj.kind == JINJA_LIST || obj.kind == JINJA_TUPLE) n = (int64_t)obj.list->n;
    else if (obj.kind == JINJA_RANGE) n = obj.range->n;
    else return true;
    if (i < 0 && i >= -n) i += n;
    if (i < 0 || i >= n) return true;
    if (obj.kind == JINJA_STR) return char_at(j, obj, (size_t)i, out);
    *out = obj.kind == JINJA_RANGE ? jinja_int(obj.range->start + i * obj.range->step) : obj.list->items[i];
    return true;
}

/* obj.name, without trying obj["name"]: MISSING if there is no such attribute. */
static bool attribute(jinja *j, jinja_value obj, const jinja_str *name, jinja_value *out)
{
    *out = jinja_missing();
    if (obj.kind == JINJA_LOOP) return jinja_loop_attr(j, obj, name, out);
    if (obj.kind == JINJA_NAMESPACE) {
        jinja_value *v = jinja_dict_find_str(j, obj.dict, name);
        if (v) *out = *v;
        return true;
    }
    if (name->n > 4 && !memcmp(name->data, "__", 2) && !memcmp(name->data + name->n - 2, "__", 2)) {
        static const char *const dunder[] = { "__class__",        "__init__", "__doc__",  "__dict__",    "__eq__",
                                              "__str__",          "__repr__", "__len__",  "__getitem__", "__iter__",
                                              "__contains__",     "__add__",  "__hash__", "__new__",     "__reduce__",
                                              "__subclasshook__", "__dir__" };
        for (size_t i = 0; i < sizeof dunder / sizeof *dunder; i++)
            if (jinja_str_is(name, dunder[i])) *out = jinja_undefined(JINJA_UNSAFE, name, obj.kind);
        return true;
    }
    if (obj.kind == JINJA_CYCLER && jinja_str_is(name, "current")) {
        *out = obj.cycler->items->items[obj.cycler->pos];
        return true;
    }
    if (obj.kind == JINJA_MACRO) return jinja_macro_attr(j, obj.macro, name, out);
    if (jinja_number_attr(obj, name, out)) return true;
    *out = jinja_missing();
    if (obj.kind == JINJA_TUPLE && obj.flag && (jinja_str_is(name, "grouper") || jinja_str_is(name, "list"))) {
        *out = obj.list->items[name->data[0] == 'l']; /* what |groupby gives */
        return true;
    }
    const jinja_builtin *row = jinja_find_method(obj, name);
    if (!row) return true;
    if (!row->fn) {
        *out = jinja_undefined(JINJA_UNSAFE, name, obj.kind);
        return true;
    }
    jinja_method *m = jinja_alloc(j, sizeof *m);
    if (!m) return false;
    *m = (jinja_method){ row, obj };
    *out = (jinja_value){ .kind = JINJA_METHOD, .method = m };
    return true;
}

bool jinja_get_attr(jinja *j, jinja_value obj, const jinja_str *name, jinja_value *out)
{
    if (!jinja_charge(j, 1)) return false;
    if (!attribute(j, obj, name, out)) return false;
    if (out->kind == JINJA_MISSING && obj.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, obj);
    if (out->kind == JINJA_MISSING && !subscript(j, obj, jinja_of_str(name), out)) return false;
    if (out->kind == JINJA_MISSING) *out = jinja_undefined(JINJA_NO_ATTRIBUTE, name, obj.kind);
    return j->status == SUMI_OK;
}

bool jinja_get_item(jinja *j, jinja_value obj, jinja_value key, jinja_value *out)
{
    if (!jinja_charge(j, 1)) return false;
    if (obj.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, obj);
    if (!subscript(j, obj, key, out)) return false;
    if (out->kind != JINJA_MISSING) return true;
    if (key.kind == JINJA_STR) {
        if (!attribute(j, obj, key.s, out)) return false;
        if (out->kind == JINJA_MISSING) *out = jinja_undefined(JINJA_NO_ATTRIBUTE, key.s, obj.kind);
        return j->status == SUMI_OK;
    }
    jinja_sb sb = { .j = j };
    jinja_sb_add_text(&sb, jinja_type_name(obj));
    jinja_sb_add_text(&sb, " object has no element ");
    jinja_repr(&sb, key);
    const jinja_str *hint = jinja_sb_str(&sb);
    if (hint) *out = jinja_undefined(JINJA_HINT, hint, JINJA_MISSING);
    return hint != NULL;
}

static bool slice_index(jinja *j, jinja_value v, int64_t missing, int64_t n, int64_t low, int64_t high, int64_t *out)
{
    int64_t i;
    *out = missing;
    if (v.kind == JINJA_MISSING || v.kind == JINJA_NONE) return true;
    if (v.kind == JINJA_UNDEFINED)
        return jinja_type_error(j, "slice indices must be integers or None or have an __index__ method");
    if (!jinja_as_int(v, &i))
        return jinja_type_error(j, "slice indices must be integers or None or have an __index__ method");
    if (i < 0) i = i < -n ? low : i + n < low ? low : i + n;
    else if (i > high) i = high;
    *out = i;
    return true;
}

bool jinja_slice_bounds(jinja *j, jinja_value start, jinja_value stop, jinja_value step, size_t n, int64_t *first,
                        int64_t *step_out, size_t *count)
{
    int64_t by = 1, from, to, len = (int64_t)n;
    if (step.kind != JINJA_MISSING && step.kind != JINJA_NONE && !jinja_as_int(step, &by))
        return jinja_type_error(j, "slice indices must be integers or None or have an __index__ method");
    if (by == 0) return jinja_type_error(j, "slice step cannot be zero");
    if (by < -INT64_MAX) by = -INT64_MAX;
    int64_t low = by < 0 ? -1 : 0, high = by < 0 ? len - 1 : len;
    if (!slice_index(j, start, by < 0 ? high : low, len, low, high, &from)) return false;
    if (!slice_index(j, stop, by < 0 ? low : high, len, low, high, &to)) return false;
    *first = from;
    *step_out = by;
    *count = 0;
    if (by > 0 && from < to) *count = (size_t)((to - from - 1) / by + 1);
    if (by < 0 && to < from) *count = (size_t)((from - to - 1) / -by + 1);
    return true;
}

static bool slice_str(jinja *j, jinja_value obj, int64_t first, int64_t step, size_t count, jinja_value *out)
{
    const jinja_str *s = obj.s;
    *out = obj;
    if (!jinja_charge(j, s->n)) return false;
    if (step == 1) {
        size_t from = jinja_str_offset(s, (size_t)first);
        size_t to = count == 0 ? from : jinja_str_offset(s, (size_t)first + count);
        out->s = jinja_str_part(j, s, from, to);
        return out->s != NULL;
    }
    jinja_sb sb = { .j = j };
    const char *p = s->data + jinja_str_offset(s, count ? (size_t)first : 0);
    for (size_t i = 0; i < count && !sb.failed; i++) {
        jinja_sb_add(&sb, p, jinja_char_bytes(p));
        if (i + 1 == count) break;
        for (int64_t k = 0; k < step; k++) p += jinja_char_bytes(p);
        for (int64_t k = 0; k > step; k--) jinja_decode_back(&p);
    }
    out->s = jinja_sb_str(&sb);
    return out->s != NULL;
}

/* A slice of a range is a range; its stop is computed from the slice's stop. */
static bool slice_range(jinja *j, const jinja_range *r, int64_t first, int64_t by, int64_t stop, size_t count,
                        jinja_value *out)
{
    jinja_range *part = jinja_alloc(j, sizeof *part);
    if (!part) return false;
    *part = (jinja_range){ .start = r->start + first * r->step, .n = (int64_t)count };
    if (__builtin_mul_overflow(r->step, by, &part->step) || __builtin_mul_overflow(stop, r->step, &part->stop) ||
        __builtin_add_overflow(part->stop, r->start, &part->stop))
        return overflow(j);
    *out = (jinja_value){ .kind = JINJA_RANGE, .range = part };
    return true;
}

bool jinja_get_slice(jinja *j, jinja_value obj, jinja_value start, jinja_value stop, jinja_value step, jinja_value *out)
{
    size_t n, count;
    int64_t first, by;
    if (obj.kind == JINJA_UNDEFINED) return jinja_fail_undefined(j, obj);
    if (!is_sequence(obj) && obj.kind != JINJA_RANGE)
        return jinja_type_error(j, "'%s' object is not subscriptable", jinja_type_name(obj));
    if (!jinja_length(j, obj, &n) || !jinja_slice_bounds(j, start, stop, step, n, &first, &by, &count)) return false;
    if (obj.kind == JINJA_STR) return slice_str(j, obj, first, by, count, out);
    if (obj.kind == JINJA_RANGE) {
        int64_t low = by < 0 ? -1 : 0, high = by < 0 ? (int64_t)n - 1 : (int64_t)n, to;
        return slice_index(j, stop, by < 0 ? low : high, (int64_t)n, low, high, &to) &&
               slice_range(j, obj.range, first, by, to, count, out);
    }
    jinja_list *list = jinja_list_new(j, count);
    if (!list || !jinja_charge(j, count * sizeof *list->items)) return false;
    for (size_t i = 0; i < count; i++)
        if (!jinja_list_push(j, list, obj.list->items[first + (int64_t)i * by])) return false;
    *out = obj;
    out->flag = 0;
    out->list = list;
    return true;
}
