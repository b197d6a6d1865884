/* hf_config.c - see hf_config.h. */
#include "hf/hf_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_read.h"

void hf_fail(hf_keys *k, sumi_status status, const char *format, ...)
{
    char what[300];
    va_list args;
    if (k->status != SUMI_OK) return;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    k->status = sumi_fail(k->err, status, "%s/config.json: %s", sumi_path_end(k->folder->path), what);
}

static const json_t *find(const hf_keys *k, const char *name)
{
    const json_t *v = json_object_get(k->text, name);
    return v ? v : json_object_get(k->folder->config, name);
}

static void note_read(hf_keys *k, const char *name)
{
    if (json_object_set_new(k->read, name, json_true())) hf_fail(k, SUMI_ENOMEM, "out of memory");
}

const json_t *hf_get(hf_keys *k, const char *name)
{
    const json_t *v = find(k, name);
    if (!v || json_is_null(v)) return NULL;
    note_read(k, name);
    return v;
}

const json_t *hf_member(hf_keys *k, const json_t *object, const char *parent, const char *name)
{
    char full[160];
    const json_t *v = json_object_get(object, name);
    if (!v || json_is_null(v)) return NULL;
    snprintf(full, sizeof full, "%s.%s", parent, name);
    note_read(k, full);
    return v;
}

bool hf_has(const hf_keys *k, const char *name)
{
    return find(k, name) != NULL;
}

/* The value of a list with equal elements, one for each layer; or v itself. */
static const json_t *one_of(const json_t *v)
{
    const json_t *first = json_array_get(v, 0);
    for (size_t i = 1; i < json_array_size(v); i++)
        if (!json_equal(first, json_array_get(v, i))) return v;
    return first ? first : v;
}

int64_t hf_int(hf_keys *k, const char *const *names, int64_t low, int64_t high, int64_t otherwise)
{
    for (const char *const *name = names; *name; name++) {
        const json_t *v = one_of(hf_get(k, *name));
        if (!v) continue;
        int64_t value = json_integer_value(v);
        if (!json_is_integer(v) || value < low || value > high) {
            hf_fail(k, SUMI_EFORMAT, "'%s' is not a whole number from %lld to %lld", *name, (long long)low,
                    (long long)high);
            return low;
        }
        return value;
    }
    if (otherwise < low) hf_fail(k, SUMI_EFORMAT, "'%s' is missing", names[0]);
    return otherwise < low ? low : otherwise;
}

/* Python writes NaN and Infinity, which are texts here (hf_folder.c). */
static void fail_type(hf_keys *k, const char *name, const json_t *v, const char *type)
{
    const char *text = json_string_value(v);
    hf_fail(k, SUMI_EFORMAT, "'%s' is %.20s, not a %s", name, text ? text : "something else", type);
}

double hf_number(hf_keys *k, const char *name, double otherwise)
{
    const json_t *v = hf_get(k, name);
    if (v && !json_is_number(v)) fail_type(k, name, v, "number");
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

bool hf_bool(hf_keys *k, const char *name, bool otherwise)
{
    const json_t *v = hf_get(k, name);
    if (v && !json_is_boolean(v)) fail_type(k, name, v, "boolean");
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

const char *hf_text(hf_keys *k, const char *name)
{
    const json_t *v = hf_get(k, name);
    if (v && !json_is_string(v)) fail_type(k, name, v, "text");
    return json_string_value(v);
}

static const char *full_key(const hf_keys *k, char out[128], const char *suffix)
{
    snprintf(out, 128, "%s.%s", k->family->arch, suffix);
    return out;
}

void hf_put_int(hf_keys *k, const char *suffix, int64_t value)
{
    char key[128];
    gguf_put_u32(k->head, full_key(k, key, suffix), (uint32_t)value);
}

void hf_put_f32(hf_keys *k, const char *suffix, double value)
{
    char key[128];
    gguf_put_f32(k->head, full_key(k, key, suffix), (float)value);
}

void hf_put_bool(hf_keys *k, const char *suffix, bool value)
{
    char key[128];
    gguf_put_bool(k->head, full_key(k, key, suffix), value);
}

void hf_put_str(hf_keys *k, const char *suffix, const char *value)
{
    char key[128];
    gguf_put_str(k->head, full_key(k, key, suffix), value);
}

void hf_expect(hf_keys *k, const char *name, const char *value)
{
    const json_t *v = hf_get(k, name);
    if (!v) return;
    char *text = json_write(v, JSON_ENCODE_ANY);
    json_t *wanted = json_read(value, strlen(value), JSON_DECODE_ANY, NULL);
    bool same = json_is_number(v) ? json_is_number(wanted) && json_number_value(v) == json_number_value(wanted)
                                  : json_equal(v, wanted);
    if (!text || !wanted) hf_fail(k, SUMI_ENOMEM, "out of memory");
    json_decref(wanted);
    if (!same) hf_fail(k, SUMI_EUNSUPPORTED, "'%s' is %.60s; only %s is supported", name, text ? text : "?", value);
    free(text);
}
