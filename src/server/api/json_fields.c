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
    json_t *o = json_read_wide(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (json_is_object(o)) return o;
    if (!o && json_read_status(&why, SUMI_OK) == SUMI_ENOMEM) api_fail_memory(e);
    else if (o) api_fail(e, 400, "invalid_json", NULL, "the body is not a JSON object");
    else
        api_fail(e, 400, "invalid_json", NULL, "the body is not JSON: line %d, column %d: %s", why.line, why.column,
                 why.text);
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
        return api_fail(e, 400, "invalid_value", name, "%s: %.17g is not between %" PRId64 " and %" PRId64, name,
                        number, low, high);
    int64_t value = json_is_integer(v) ? json_integer_value(v) : (int64_t)number;
    if (value < low || value > high)
        return api_fail(e, 400, "invalid_value", name, "%s: %" PRId64 " is not between %" PRId64 " and %" PRId64, name,
                        value, low, high);
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
        return api_fail(e, 400, "invalid_value", name, "%s: %g is not between %g and %g", name, value, (double)low,
                        (double)high);
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
