/* jinja_methods_number.c - methods and attributes of ints, floats, bools and ranges. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jinja/builtins/jinja_builtins.h"

static bool pair(jinja *j, int64_t a, int64_t b, jinja_value *out)
{
    jinja_list *list = jinja_list_new(j, 2);
    if (!list || !jinja_list_push(j, list, jinja_int(a)) || !jinja_list_push(j, list, jinja_int(b))) return false;
    *out = jinja_of_tuple(list);
    return true;
}

static uint64_t magnitude(jinja_value v)
{
    int64_t i = 0;
    jinja_as_int(v, &i);
    return i < 0 ? -(uint64_t)i : (uint64_t)i;
}

BUILTIN(int_bit_length)
{
    BUILTIN_UNUSED;
    int64_t n = 0;
    for (uint64_t v = magnitude(self); v; v >>= 1) n++;
    *out = jinja_int(n);
    return true;
}

BUILTIN(int_bit_count)
{
    BUILTIN_UNUSED;
    *out = jinja_int(__builtin_popcountll(magnitude(self)));
    return true;
}

BUILTIN(int_ratio)
{
    BUILTIN_UNUSED;
    int64_t i = 0;
    jinja_as_int(self, &i);
    return pair(j, i, 1, out);
}

BUILTIN_IS(number_conjugate, jinja_negate(j, self, false, out))

BUILTIN(int_unsupported)
{
    BUILTIN_UNUSED;
    return jinja_fail(j, SUMI_EUNSUPPORTED, "bytes are not supported in a chat template");
}

const jinja_builtin jinja_int_methods[] = {
    { "as_integer_ratio", "", int_ratio },
    { "bit_count", "", int_bit_count },
    { "bit_length", "", int_bit_length },
    { "conjugate", "", number_conjugate },
    { "from_bytes", "*", int_unsupported },
    { "to_bytes", "*", int_unsupported },
    { NULL, NULL, NULL },
};

BUILTIN(float_is_integer)
{
    BUILTIN_UNUSED;
    *out = jinja_bool(isfinite(self.f) && self.f == floor(self.f));
    return true;
}

/* The float as a fraction of two integers without a common divisor. */
BUILTIN(float_ratio)
{
    BUILTIN_UNUSED;
    int exponent;
    if (!isfinite(self.f))
        return jinja_type_error(j, "cannot convert %s to an integer ratio", isnan(self.f) ? "NaN" : "Infinity");
    double mantissa = frexp(self.f, &exponent);
    while (mantissa != floor(mantissa)) {
        mantissa *= 2;
        exponent--;
    }
    bool fits = exponent < 0 ? exponent > -63 : fabs(ldexp(mantissa, exponent)) < 0x1p63;
    if (!fits) return jinja_fail(j, SUMI_ELIMIT, "an integer does not fit into 64 bits");
    return exponent < 0 ? pair(j, (int64_t)mantissa, (int64_t)1 << -exponent, out)
                        : pair(j, (int64_t)ldexp(mantissa, exponent), 1, out);
}

BUILTIN(float_hex)
{
    BUILTIN_UNUSED;
    char text[40];
    if (!isfinite(self.f)) jinja_float_repr(self.f, text);
    else if (self.f == 0) strcpy(text, signbit(self.f) ? "-0x0.0p+0" : "0x0.0p+0");
    else snprintf(text, sizeof text, "%.13a", self.f);
    return jinja_give_str(jinja_str_copy(j, text, strlen(text)), out);
}

BUILTIN(float_fromhex)
{
    BUILTIN_UNUSED;
    return jinja_fail(j, SUMI_EUNSUPPORTED, "float.fromhex() is not supported in a chat template");
}

const jinja_builtin jinja_float_methods[] = {
    { "as_integer_ratio", "", float_ratio }, { "conjugate", "", number_conjugate },
    { "fromhex", "*", float_fromhex },       { "hex", "", float_hex },
    { "is_integer", "", float_is_integer },  { NULL, NULL, NULL },
};

/* ---- Ranges ---- */

/* The index of v in the range; -1: v is not in it. */
static int64_t place_in(const jinja_range *r, jinja_value v)
{
    int64_t i, offset;
    if (v.kind == JINJA_FLOAT && v.f == floor(v.f) && fabs(v.f) < 0x1p63) i = (int64_t)v.f;
    else if (!jinja_as_int(v, &i)) return -1;
    if (__builtin_sub_overflow(i, r->start, &offset) || offset % r->step) return -1;
    return offset / r->step >= 0 && offset / r->step < r->n ? offset / r->step : -1;
}

BUILTIN(range_count)
{
    BUILTIN_UNUSED;
    *out = jinja_int(place_in(self.range, arg[0]) >= 0);
    return true;
}

BUILTIN(range_index)
{
    BUILTIN_UNUSED;
    int64_t at = place_in(self.range, arg[0]);
    *out = jinja_int(at);
    return at >= 0 || jinja_type_error(j, "the value is not in the range");
}

const jinja_builtin jinja_range_methods[] = {
    { "count", "/ value", range_count },
    { "index", "/ value", range_index },
    { NULL, NULL, NULL },
};

/* ---- Attributes ---- */

bool jinja_number_attr(jinja_value v, const jinja_str *name, jinja_value *out)
{
    int64_t i;
    if (v.kind == JINJA_RANGE) {
        bool start = jinja_str_is(name, "start"), stop = jinja_str_is(name, "stop");
        *out = jinja_int(start ? v.range->start : stop ? v.range->stop : v.range->step);
        return start || stop || jinja_str_is(name, "step");
    }
    bool is_int = jinja_as_int(v, &i);
    if (!is_int && v.kind != JINJA_FLOAT) return false;
    *out = is_int ? jinja_int(i) : v;
    if (jinja_str_is(name, "real") || (is_int && jinja_str_is(name, "numerator"))) return true;
    *out = is_int ? jinja_int(0) : jinja_float(0);
    if (jinja_str_is(name, "imag")) return true;
    *out = jinja_int(1);
    return is_int && jinja_str_is(name, "denominator");
}
