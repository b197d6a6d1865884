/* json_fields.c - see json_fields.h. */
#include "server/api/json_fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"

/* Deepest nesting of arrays and objects; brackets in strings do not count. Text that is not JSON gives any number. */
static int nesting(const char *text, size_t n)
{
    int depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') i++;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest) deepest = depth;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return deepest;
}

/* Where the integer at text [n], which may be no integer, ends: *too_large if it does not fit into 64 bits. */
static size_t integer_end(const char *text, size_t n, bool *too_large)
{
    static const char most[] = "9223372036854775807";
    size_t begin = n > 0 && text[0] == '-', end = begin;
    while (end < n && text[end] >= '0' && text[end] <= '9') end++;
    size_t n_digits = end - begin;
    bool is_real = end < n && (text[end] == '.' || text[end] == 'e' || text[end] == 'E');
    *too_large = !is_real && (n_digits > sizeof most - 1 ||
                              (n_digits == sizeof most - 1 && memcmp(text + begin, most, n_digits) > 0));
    return end > begin ? end : begin + 1;
}

/* Integers of more than 64 bits are JSON, and jansson refuses them: appends the text to out with each of them as a
 * number with an exponent. False: the text has no such number, and out is empty. */
static bool widen_integers(const char *text, size_t n, buf *out)
{
    bool in_string = false, too_large;
    size_t copied = 0;
    for (size_t i = 0; i < n;) {
        char c = text[i];
        if (in_string && c == '\\') i += 2;
        else if (in_string || (c != '-' && (c < '0' || c > '9'))) in_string ^= text[i++] == '"';
        else {
            i += integer_end(text + i, n - i, &too_large);
            if (i < n && (text[i] == '.' || text[i] == 'e' || text[i] == 'E')) /* the rest of a real is no integer */
                while (i < n && strchr("+-.eE0123456789", text[i])) i++;
            if (!too_large) continue;
            buf_append(out, text + copied, i - copied);
            buf_append_str(out, "e0");
            copied = i;
        }
    }
    if (copied > 0) buf_append(out, text + copied, n - copied);
    return copied > 0;
}

/* A value of any type. NULL: *why has the reason. */
static json_t *parse(const char *text, size_t n, json_error_t *why)
{
    buf wide;
    buf_init(&wide, SIZE_MAX);
    bool is_wide = widen_integers(text, n, &wide);
    json_t *v = NULL;
    if (wide.status != SUMI_OK) json_read_failed(why);
    else v = json_read(is_wide ? wide.data : text, is_wide ? wide.n : n, JSON_DECODE_ANY | JSON_ALLOW_NUL, why);
    buf_deinit(&wide);
    return v;
}

json_t *json_parse_object(const char *text, size_t n, api_error *e)
{
    json_error_t why;
    if (n == 0) {
        api_fail(e, 400, "invalid_json", NULL, "the body is empty: send a JSON object");
        return NULL;
    }
    if (nesting(text, n) > JSON_MAX_NESTING) {
        api_fail(e, 400, "invalid_json", NULL, "the body is nested deeper than %d", JSON_MAX_NESTING);
        return NULL;
    }
    json_t *o = parse(text, n, &why);
    if (json_is_object(o)) return o;
    if (!o && json_read_status(&why, SUMI_OK) == SUMI_ENOMEM) api_fail_memory(e);
    else if (o) api_fail(e, 400, "invalid_json", NULL, "the body is not a JSON object");
    else
        api_fail(e, 400, "invalid_json", NULL, "the body is not JSON: line %d, column %d: %s", why.line,
                 why.column, why.text);
    json_decref(o);
    return NULL;
}

json_t *field_get(const json_t *o, const char *name)
{
    json_t *v = json_object_get(o, name);
    return json_is_null(v) ? NULL : v;
}

static bool wrong_type(api_error *e, const char *name, const char *wanted)
{
    return api_fail(e, 400, "invalid_type", name, "%s: it must be %s", name, wanted);
}

bool field_bool(const json_t *o, const char *name, bool *out, api_error *e)
{
    const json_t *v = field_get(o, name);
    if (!v) return true;
    if (!json_is_boolean(v)) return wrong_type(e, name, "true or false");
    *out = json_is_true(v);
    return true;
}

bool json_whole_number(const json_t *v, double *out)
{
    *out = json_number_value(v);
    return json_is_integer(v) || (json_is_real(v) && *out == floor(*out));
}

bool field_int(const json_t *o, const char *name, int64_t low, int64_t high, int64_t *out, api_error *e)
{
    const json_t *v = field_get(o, name);
    double number;
    if (!v) return true;
    if (!json_whole_number(v, &number)) return wrong_type(e, name, "a whole number");
    if (json_is_real(v) && !(number >= -0x1p63 && number < 0x1p63)) /* as an int64_t it would be another one */
        return api_fail(e, 400, "invalid_value", name, "%s: %.17g is not between %" PRId64 " and %" PRId64, name, number,
                        low, high);
    int64_t value = json_is_integer(v) ? json_integer_value(v) : (int64_t)number;
    if (value < low || value > high)
        return api_fail(e, 400, "invalid_value", name,
                        "%s: %" PRId64 " is not between %" PRId64 " and %" PRId64, name, value, low, high);
    *out = value;
    return true;
}

bool field_int32(const json_t *o, const char *name, int32_t low, int32_t high, int32_t *out, api_error *e)
{
    int64_t value = *out;
    if (field_get(o, name) && !field_int(o, name, low, high, &value, e)) return false;
    *out = (int32_t)value;
    return true;
}

bool field_float(const json_t *o, const char *name, float low, float high, float *out, api_error *e)
{
    const json_t *v = field_get(o, name);
    if (!v) return true;
    if (!json_is_number(v)) return wrong_type(e, name, "a number");
    double value = json_number_value(v);
    if (!(value >= (double)low && value <= (double)high))
        return api_fail(e, 400, "invalid_value", name, "%s: %g is not between %g and %g", name, value,
                        (double)low, (double)high);
    *out = (float)value;
    return true;
}

bool field_string(const json_t *o, const char *name, const char **out, api_error *e)
{
    const json_t *v = field_get(o, name);
    if (!v) return true;
    if (!json_is_string(v)) return wrong_type(e, name, "a string");
    if (!(*out = json_plain_text(v)))
        return api_fail(e, 400, "invalid_value", name, "%s: a NUL character (\\u0000) is not allowed here", name);
    return true;
}

const char *json_plain_text(const json_t *v)
{
    const char *text = json_string_value(v);
    return text && strlen(text) == json_string_length(v) ? text : NULL;
}

bool field_text(const json_t *o, const char *name, const json_t **out, api_error *e)
{
    const json_t *v = field_get(o, name);
    if (!v) return true;
    if (!json_is_string(v)) return wrong_type(e, name, "a string");
    *out = v;
    return true;
}

bool field_object(const json_t *o, const char *name, const json_t **out, api_error *e)
{
    const json_t *v = field_get(o, name);
    if (!v) return true;
    if (!json_is_object(v)) return wrong_type(e, name, "an object");
    *out = v;
    return true;
}

bool field_ids(const json_t *list, const char *name, int32_t **ids, int32_t *n, api_error *e)
{
    size_t n_items = json_array_size(list);
    *n = 0;
    *ids = n_items <= INT32_MAX ? calloc(n_items + 1, sizeof **ids) : NULL;
    if (!*ids) return api_fail_memory(e);
    for (size_t i = 0; i < n_items; i++) {
        const json_t *v = json_array_get(list, i);
        double id;
        if (!json_whole_number(v, &id) || id < 0 || id > INT32_MAX)
            return api_fail(e, 400, "invalid_type", name, "%s: item %zu is not a token id", name, i);
        (*ids)[(*n)++] = (int32_t)id;
    }
    return true;
}

bool field_is_missing_or(const json_t *o, const char *key, const char *only)
{
    const json_t *v = field_get(o, key);
    const char *word = json_string_value(v);
    return !v || (word && !strcmp(word, only));
}
