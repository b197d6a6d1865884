/* embeddings_request.c - see embeddings_request.h. */
#include "server/api/embeddings/embeddings_request.h"

#include <stdlib.h>
#include <string.h>

#include "engine/pooling.h"
#include "server/api/json_fields.h"
#include "server/api/known_fields.h"
#include "server/api/openai/openai_request.h"

/* How vectors are written: as numbers unless the field says "base64". */
static bool read_encoding(text_request *r, api_error *e)
{
    const char *word = NULL;
    if (!field_string(r->root, "encoding_format", &word, e)) return false;
    r->base64 = word && !strcmp(word, "base64");
    if (!word || r->base64 || !strcmp(word, "float")) return true;
    return api_fail(e, 400, "invalid_value", "encoding_format", "encoding_format: it must be \"float\" or \"base64\"");
}

static bool read_pooling(text_request *r, api_error *e)
{
    const char *word = NULL;
    if (!field_string(r->root, "pooling", &word, e)) return false;
    if (!word || pooling_named(word, &r->params.embed)) return true;
    return api_fail(e, 400, "invalid_value", "pooling",
                    "pooling: it must be \"mean\", \"last\" or, for encoders, \"cls\"");
}

/* Whether vectors are brought to length 1: the names of text-embeddings-inference, vLLM (the older and the newer one) and llama.cpp,
 * whose other numbers stand for other norms. raw: unless they are asked for, they are not. */
static bool read_norm(text_request *r, bool raw, api_error *e)
{
    bool normal = !raw;
    int32_t norm = 0;
    const bool has_norm = field_get(r->root, "embd_normalize") != NULL;
    if (!field_bool(r->root, "normalize", &normal, e) || !field_bool(r->root, "use_activation", &normal, e) ||
        !field_int32(r->root, "embd_normalize", INT32_MIN, INT32_MAX, &norm, e))
        return false;
    if (has_norm && norm != -1 && norm != 2)
        return api_fail(e, 400, "unsupported_parameter", "embd_normalize",
                        "embd_normalize: only 2 (length 1) and -1 (as the model gives the vector) are supported");
    r->params.embed_raw = has_norm ? norm == -1 : !normal;
    return true;
}

static bool open_request(text_request *r, bool raw, const char *body, size_t n_bytes, api_error *e)
{
    if (!text_request_open(r, body, n_bytes, e) || !field_string(r->root, "model", &r->model, e) ||
        !read_pooling(r, e) || !read_norm(r, raw, e))
        return false;
    return field_int32(r->root, "dimensions", 1, INT32_MAX, &r->dimensions, e);
}

static bool read_all(text_request *r, const text_limits *limits, api_error *e)
{
    const char *user = NULL;
    bool special = true;
    if (!known_fields_check(r->root, FIELDS_EMBEDDINGS, e) || !field_string(r->root, "user", &user, e) ||
        !read_encoding(r, e) || !field_bool(r->root, "add_special_tokens", &special, e))
        return false;
    r->no_bos_eos = !special;
    return openai_read_prompts(r, "input", limits->max_inputs, e);
}

bool embeddings_parse(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    if (open_request(r, false, body, n_bytes, e) && read_all(r, limits, e)) return true;
    text_request_deinit(r);
    return false;
}

/* ---- Ollama's ---- */

static bool open_ollama(text_request *r, bool raw, const char *body, size_t n_bytes, api_error *e)
{
    const json_t *options = NULL;
    return open_request(r, raw, body, n_bytes, e) && known_fields_check(r->root, FIELDS_OLLAMA_VECTORS, e) &&
           field_object(r->root, "options", &options, e);
}

/* A text, or a list of texts. One that is missing or empty is no prompt. */
static bool read_input(text_request *r, const text_limits *limits, api_error *e)
{
    const json_t *input = field_get(r->root, "input"), *v;
    size_t n = json_is_array(input) ? json_array_size(input) : json_string_length(input) > 0;
    r->source = "input";
    if (input && !json_is_array(input) && !json_is_string(input))
        return api_fail(e, 400, "invalid_type", "input", "input: it must be a string or a list of strings");
    if (n > (size_t)limits->max_inputs)
        return api_fail(e, 400, "invalid_value", "input", "input: %zu texts; at most %d are allowed", n,
                        limits->max_inputs);
    if (n == 0) return true;
    if (!(r->prompts = calloc(n, sizeof *r->prompts))) return api_fail_memory(e);
    for (size_t i = 0; i < n; i++) {
        v = json_is_array(input) ? json_array_get(input, i) : input;
        if (!json_is_string(v)) return api_fail(e, 400, "invalid_type", "input", "input: item %zu is not a string", i);
        r->prompts[r->n_prompts++] = (text_prompt){ .text = json_string_value(v), .n_bytes = json_string_length(v) };
    }
    return true;
}

bool embeddings_parse_ollama(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    bool ok = open_ollama(r, false, body, n_bytes, e);
    r->cut = true;
    if (ok && field_bool(r->root, "truncate", &r->cut, e) && read_input(r, limits, e)) return true;
    text_request_deinit(r);
    return false;
}

static bool read_prompt(text_request *r, api_error *e)
{
    const json_t *v = NULL;
    r->source = "prompt";
    if (!field_text(r->root, "prompt", &v, e)) return false;
    if (json_string_length(v) == 0) return true;
    if (!(r->prompts = calloc(1, sizeof *r->prompts))) return api_fail_memory(e);
    r->prompts[r->n_prompts++] = (text_prompt){ .text = json_string_value(v), .n_bytes = json_string_length(v) };
    return true;
}

bool embeddings_parse_ollama_one(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                 api_error *e)
{
    (void)limits;
    bool ok = open_ollama(r, true, body, n_bytes, e);
    r->cut = true;
    if (ok && read_prompt(r, e)) return true;
    text_request_deinit(r);
    return false;
}
