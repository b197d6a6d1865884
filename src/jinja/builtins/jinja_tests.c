/* jinja_tests.c - the tests: "x is NAME". */
#include <string.h>

#include "jinja/builtins/jinja_builtins.h"
#include "jinja/str/jinja_unicode.h"

/* Tests of the type only. */
#define KIND_TEST(name, condition)    \
    BUILTIN(name)                     \
    {                                 \
        BUILTIN_UNUSED;               \
        *out = jinja_bool(condition); \
        return true;                  \
    }

KIND_TEST(is_defined, self.kind != JINJA_UNDEFINED)
KIND_TEST(is_undefined, self.kind == JINJA_UNDEFINED)
KIND_TEST(is_none, self.kind == JINJA_NONE)
KIND_TEST(is_boolean, self.kind == JINJA_BOOL)
KIND_TEST(is_true, self.kind == JINJA_BOOL && self.b)
KIND_TEST(is_false, self.kind == JINJA_BOOL && !self.b)
KIND_TEST(is_integer, self.kind == JINJA_INT)
KIND_TEST(is_float, self.kind == JINJA_FLOAT)
KIND_TEST(is_number, jinja_is_number(self))
KIND_TEST(is_string, self.kind == JINJA_STR)
KIND_TEST(is_mapping, self.kind == JINJA_DICT)
KIND_TEST(is_iterable, jinja_is_iterable(self))
KIND_TEST(is_escaped, self.kind == JINJA_STR && self.flag & JINJA_MARKUP)
/* has len() and items: a dict is a sequence here, a view and the loop variable are not */
KIND_TEST(is_sequence, (jinja_has_length(self) && self.kind != JINJA_VIEW && self.kind != JINJA_LOOP))
/* undefined is callable, too, but the call fails */
KIND_TEST(is_callable, self.kind == JINJA_UNDEFINED || self.kind == JINJA_FUNCTION || self.kind == JINJA_METHOD ||
                           self.kind == JINJA_MACRO || self.kind == JINJA_LOOP || self.kind == JINJA_JOINER)
KIND_TEST(is_same, jinja_same(self, arg[0]))

static bool remainder_is(jinja *j, jinja_value v, jinja_value by, int64_t wanted, jinja_value *out)
{
    jinja_value rest;
    bool equal;
    if (!jinja_binary(j, JINJA_MOD, v, by, &rest) || !jinja_equal(j, rest, jinja_int(wanted), &equal)) return false;
    *out = jinja_bool(equal);
    return true;
}

BUILTIN_IS(is_odd, remainder_is(j, self, jinja_int(2), 1, out))
BUILTIN_IS(is_even, remainder_is(j, self, jinja_int(2), 0, out))
BUILTIN_IS(is_divisible, remainder_is(j, self, arg[0], 0, out))

static bool is_case(jinja *j, jinja_value self, bool upper, jinja_value *out)
{
    const jinja_str *s = jinja_to_str(j, self);
    bool some = false, all = true;
    if (!s || !jinja_charge(j, s->n)) return false;
    for (const char *p = s->data, *end = p + s->n; p < end;) {
        int32_t c = jinja_decode(&p);
        if (upper ? jinja_is_upper(c) : jinja_is_lower(c)) some = true;
        else if (jinja_is_cased(c)) all = false;
    }
    *out = jinja_bool(some && all);
    return true;
}

BUILTIN_IS(is_lower, is_case(j, self, false, out))
BUILTIN_IS(is_upper, is_case(j, self, true, out))

/* Jinja looks the value up in a dict of names, so a value that cannot be hashed is an error. */
static bool is_name(jinja *j, jinja_value self, const jinja_builtin *(*find)(const char *, size_t), jinja_value *out)
{
    uint64_t hash;
    *out = jinja_bool(self.kind == JINJA_STR && find(self.s->data, self.s->n));
    return jinja_hash(j, self, &hash);
}

BUILTIN_IS(is_filter, is_name(j, self, jinja_find_filter, out))
BUILTIN_IS(is_test, is_name(j, self, jinja_find_test, out))

BUILTIN(is_in)
{
    BUILTIN_UNUSED;
    bool in;
    if (!jinja_contains(j, self, arg[0], &in)) return false;
    *out = jinja_bool(in);
    return true;
}

static bool equals(jinja *j, jinja_value a, jinja_value b, bool wanted, jinja_value *out)
{
    bool equal;
    if (!jinja_equal(j, a, b, &equal)) return false;
    *out = jinja_bool(equal == wanted);
    return true;
}

BUILTIN_IS(is_eq, equals(j, self, arg[0], true, out))
BUILTIN_IS(is_ne, equals(j, self, arg[0], false, out))

static bool less(jinja *j, jinja_value a, jinja_value b, bool or_equal, const char *op, jinja_value *out)
{
    bool is_less, equal = false;
    if (!jinja_less(j, a, b, op, &is_less)) return false;
    if (!is_less && or_equal && !jinja_equal(j, a, b, &equal)) return false;
    *out = jinja_bool(is_less || equal);
    return true;
}

BUILTIN_IS(is_lt, less(j, self, arg[0], false, "<", out))
BUILTIN_IS(is_le, less(j, self, arg[0], true, "<=", out))
BUILTIN_IS(is_gt, less(j, arg[0], self, false, ">", out))
BUILTIN_IS(is_ge, less(j, arg[0], self, true, ">=", out))

const jinja_builtin jinja_tests[] = {
    { "!=", "/ other", is_ne },
    { "<", "/ other", is_lt },
    { "<=", "/ other", is_le },
    { "==", "/ other", is_eq },
    { ">", "/ other", is_gt },
    { ">=", "/ other", is_ge },
    { "boolean", "", is_boolean },
    { "callable", "", is_callable },
    { "defined", "", is_defined },
    { "divisibleby", "num", is_divisible },
    { "eq", "/ other", is_eq },
    { "equalto", "/ other", is_eq },
    { "escaped", "", is_escaped },
    { "even", "", is_even },
    { "false", "", is_false },
    { "filter", "", is_filter },
    { "float", "", is_float },
    { "ge", "/ other", is_ge },
    { "greaterthan", "/ other", is_gt },
    { "gt", "/ other", is_gt },
    { "in", "seq", is_in },
    { "integer", "", is_integer },
    { "iterable", "", is_iterable },
    { "le", "/ other", is_le },
    { "lessthan", "/ other", is_lt },
    { "lower", "", is_lower },
    { "lt", "/ other", is_lt },
    { "mapping", "", is_mapping },
    { "ne", "/ other", is_ne },
    { "none", "", is_none },
    { "number", "", is_number },
    { "odd", "", is_odd },
    { "sameas", "other", is_same },
    { "sequence", "", is_sequence },
    { "string", "", is_string },
    { "test", "", is_test },
    { "true", "", is_true },
    { "undefined", "", is_undefined },
    { "upper", "", is_upper },
    { NULL, NULL, NULL },
};
