/* info_json.c - a model file as one JSON object (RFC 8259):
 *
 *   { "file", "file_bytes", "gguf_version", "alignment",
 *     "files": [ { "file", "file_bytes" }, ... ],              one, or those of a split model
 *     "architecture", "name", "license",                       null: the file does not say
 *     "n_params", "weight_bytes", "bits_per_weight",
 *     "memory":   { "weight_bytes", "unpacked_bytes",          sumi_estimate; null: not a model that sumi runs
 *                   "kv_token_bytes", "kv_bytes", "scratch_bytes", "n_ctx" },
 *     "n_vocab", "has_chat_template",
 *     "end_tokens": [ id, ... ],                               tokens that end an answer; null: an unknown vocabulary
 *     "types":    { "Q4_1": { "n_tensors", "n_params" }, ... },
 *     "metadata": { KEY: value, ... },
 *     "tensors":  [ { "name", "type", "dims", "n_bytes", "shard", "offset" }, ... ] }    shard: of "files", from 0
 *
 * A long array becomes { "type", "n", "first": [...] } unless --all is given. Values that JSON cannot represent: invalid
 * bytes become U+FFFD, NaN and infinities become null, integers from 2^63 on become numbers with an exponent, and arrays
 * of arrays become null. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/printable.h"
#include "cli/cli.h"
#include "cli/commands/info.h"
#include "format/gguf.h"

#define LONG_ARRAY 32

/* If memory runs out, a list or object becomes NULL; it is never incomplete. */
static json_t *complete(json_t *value, int failed)
{
    if (!failed) return value;
    json_decref(value);
    return NULL;
}

/* NULL: out of memory, which json_object_set_new() and similar functions report. */
static json_t *json_text(gguf_str s)
{
    buf b;
    json_t *text = NULL;
    buf_init(&b, SIZE_MAX);
    for (size_t i = 0; i < s.n;) {
        uint32_t code;
        size_t n = printable_utf8(s.data + i, s.n - i, &code);
        if (code == UINT32_MAX) buf_append_str(&b, "\xef\xbf\xbd");
        else buf_append(&b, s.data + i, n);
        i += n;
    }
    if (b.status == SUMI_OK) text = json_stringn(b.n ? b.data : "", b.n);
    buf_deinit(&b);
    return text;
}

static json_t *json_text_or_null(gguf_str s)
{
    return s.n ? json_text(s) : json_null();
}

static json_t *json_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *json_element(const model_source *src, const gguf_array *a, uint64_t i)
{
    switch (a->type) {
    case GGUF_STRING: return json_text(model_source_array_str(src, a, i));
    case GGUF_BOOL: return json_boolean(gguf_array_i64(a, i));
    case GGUF_F32:
    case GGUF_F64: return json_number(gguf_array_f64(a, i));
    case GGUF_U64:
        if (gguf_array_u64(a, i) > INT64_MAX) return json_real(gguf_array_f64(a, i));
        return json_integer(gguf_array_i64(a, i));
    default: return json_integer(gguf_array_i64(a, i));
    }
}

static json_t *json_elements(const model_source *src, const gguf_array *a, uint64_t n)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < n; i++)
        if (json_array_append_new(list, json_element(src, a, i)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *json_value(const model_source *src, int64_t i, bool whole)
{
    int64_t integer;
    uint64_t large;
    double real;
    bool flag;
    gguf_str text;
    gguf_array a;
    if (model_source_value_i64(src, i, &integer)) return json_integer(integer);
    if (model_source_value_bool(src, i, &flag)) return json_boolean(flag);
    if (model_source_value_f64(src, i, &real)) return json_number(real);
    if (model_source_value_str(src, i, &text)) return json_text(text);
    if (model_source_value_u64(src, i, &large)) return json_real((double)large);
    if (!model_source_value_array(src, i, &a)) return json_null(); /* an array of arrays */
    if (whole || a.n <= LONG_ARRAY) return json_elements(src, &a, a.n);
    return json_pack("{s:s, s:I, s:o}", "type", gguf_type_name(a.type), "n", (json_int_t)a.n, "first",
                     json_elements(src, &a, INFO_ARRAY_HEAD));
}

/* Adds value under key, both made from the file. Like json_object_set_new(): takes value, -1 on failure. */
static int set_text_key(json_t *object, gguf_str key, json_t *value)
{
    json_t *name = json_text(key);
    int failed = name ? json_object_setn_new(object, json_string_value(name), json_string_length(name), value) : -1;
    if (!name) json_decref(value);
    json_decref(name);
    return failed;
}

static json_t *json_metadata(const model_source *src, bool whole)
{
    json_t *object = json_object();
    for (int64_t i = 0; i < model_source_n_keys(src); i++)
        if (set_text_key(object, model_source_key(src, i), json_value(src, i, whole)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *json_tensor(const source_tensor *t)
{
    json_t *dims = json_array();
    int failed = !dims;
    for (int d = 0; d < t->n_dims; d++) failed |= json_array_append_new(dims, json_integer(t->dims[d]));
    if (!(dims = complete(dims, failed))) return NULL;
    return json_pack("{s:o, s:s, s:o, s:I, s:i, s:I}", "name", json_text(t->name), "type", t->type->name, "dims", dims,
                     "n_bytes", (json_int_t)t->n_bytes, "shard", (int)t->shard, "offset", (json_int_t)t->offset);
}

static json_t *json_tensors(const model_source *src)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < model_source_n_tensors(src); i++)
        if (json_array_append_new(list, json_tensor(model_source_tensor_at(src, i))) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *json_text_of(const char *text)
{
    return json_text((gguf_str){ text, strlen(text) });
}

static json_t *json_files(const model_source *src)
{
    json_t *list = json_array();
    int failed = !list;
    for (int32_t i = 0; i < model_source_n_shards(src); i++)
        failed |= json_array_append_new(list,
                                        json_pack("{s:o, s:I}", "file", json_text_of(model_source_shard_name(src, i)),
                                                  "file_bytes", (json_int_t)model_source_shard_bytes(src, i)));
    return complete(list, failed);
}

static json_t *json_end_tokens(const info_summary *s)
{
    if (s->n_end_tokens < 0) return json_null();
    json_t *list = json_array();
    int failed = !list;
    for (int32_t i = 0; i < s->n_end_tokens; i++) failed |= json_array_append_new(list, json_integer(s->end_tokens[i]));
    return complete(list, failed);
}

static json_t *json_types(const info_summary *s)
{
    json_t *object = json_object();
    int failed = !object;
    for (int i = 0; i < DTYPE_MAX; i++)
        if (s->types[i].n_tensors)
            failed |= json_object_set_new(object, dtype_gguf_name((uint32_t)i),
                                          json_pack("{s:I, s:I}", "n_tensors", (json_int_t)s->types[i].n_tensors,
                                                    "n_params", (json_int_t)s->types[i].n_params));
    return complete(object, failed);
}

static json_t *json_memory(const info_summary *s)
{
    const sumi_estimate *m = &s->memory;
    if (!s->has_memory) return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:i}", "weight_bytes", (json_int_t)m->weight_bytes, "unpacked_bytes",
                     (json_int_t)m->unpacked_bytes, "kv_token_bytes", (json_int_t)m->kv_token_bytes, "kv_bytes",
                     (json_int_t)m->kv_bytes, "scratch_bytes", (json_int_t)m->scratch_bytes, "n_ctx", (int)m->n_ctx);
}

sumi_status info_print_json(const model_source *src, const info_summary *s, bool whole, sumi_error *err)
{
    json_t *root =
        json_pack("{s:o, s:I, s:i, s:i, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:I, s:b, s:o, s:o, s:o, s:o}", "file",
                  json_text_of(model_source_name(src)), "file_bytes", (json_int_t)model_source_file_bytes(src),
                  "gguf_version", (int)gguf_version(src), "alignment", (int)gguf_alignment(src), "files",
                  json_files(src), "architecture", json_text_or_null(s->architecture), "name",
                  json_text_or_null(s->name), "license", json_text_or_null(s->license), "n_params",
                  (json_int_t)s->n_params, "weight_bytes", (json_int_t)s->weight_bytes, "bits_per_weight",
                  json_number(s->bits_per_weight), "memory", json_memory(s), "n_vocab", (json_int_t)s->n_vocab,
                  "has_chat_template", s->chat_template.n > 0, "end_tokens", json_end_tokens(s), "types", json_types(s),
                  "metadata", json_metadata(src, whole), "tensors", json_tensors(src));
    /* ASCII only: \u escapes keep control characters beyond ASCII from a terminal. */
    return cli_write_json(root, JSON_INDENT(2) | JSON_ENSURE_ASCII, err);
}
