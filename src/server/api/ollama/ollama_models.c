/* ollama_models.c - the model in Ollama's API: GET /api/tags, /api/ps and /api/version, POST /api/show.
 *
 * POST /api/pull downloads nothing: the served model is already here; another model needs `sumi pull` and its own server.
 *
 * Clients distinguish models by the digest. It is a digest of the name and the sizes: the file is not read for it. */
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "compress/file_type.h"
#include "engine/sumi_model.h"
#include "server/api/json_fields.h"
#include "server/api/json_text.h"
#include "server/api/ollama/ollama_reply.h"
#include "server/api/text_api.h"
#include "server/http/body_work.h"
#include "server/http/endpoints.h"

/* The version of Ollama's API that this server implements. Clients check it: VS Code requires 0.6.4 or later. */
static const char OLLAMA_VERSION[] = "0.12.0";

static void put_digest(const server *s, const sumi_model_info *info, buf *out)
{
    struct sha256_ctx sha;
    uint8_t digest[SHA256_DIGEST_SIZE];
    const uint64_t sizes[] = { info->n_params, info->weight_bytes };
    sha256_init(&sha);
    sha256_update(&sha, strlen(s->opts.model_name) + 1, (const uint8_t *)s->opts.model_name);
    sha256_update(&sha, sizeof sizes, (const uint8_t *)sizes);
    sha256_digest(&sha, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) buf_printf(out, "%02x", digest[i]);
}

/* 134515008 -> "134.5M" */
static void put_parameter_size(uint64_t n, buf *out)
{
    if (n >= 1000000000) buf_printf(out, "\"%.1fB\"", (double)n / 1e9);
    else buf_printf(out, "\"%.1fM\"", (double)n / 1e6);
}

static void put_details(const server *s, const sumi_model_info *info, buf *out)
{
    const char *type = file_type_name(s->model->source);
    buf_append_str(out, "\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":");
    json_put_string(out, info->architecture);
    buf_append_str(out, ",\"families\":[");
    json_put_string(out, info->architecture);
    buf_append_str(out, "],\"parameter_size\":");
    put_parameter_size(info->n_params, out);
    buf_printf(out, ",\"quantization_level\":\"%s\"}", *type ? type : "unknown");
}

/* Names have a tag there. */
static void put_name(const server *s, buf *out)
{
    buf name;
    buf_init(&name, SIZE_MAX);
    buf_printf(&name, "%s:latest", s->opts.model_name);
    if (name.status == SUMI_OK) json_put_text(out, name.data, name.n);
    else out->status = name.status;
    buf_deinit(&name);
}

/* The fields of a model in all lists, without the closing brace. */
static void put_model(const server *s, buf *out)
{
    sumi_model_info info;
    sumi_model_get_info(s->model, &info);
    buf_append_str(out, "{\"models\":[{\"name\":");
    put_name(s, out);
    buf_append_str(out, ",\"model\":");
    put_name(s, out);
    buf_printf(out, ",\"size\":%zu,\"digest\":\"", model_source_file_bytes(s->model->source));
    put_digest(s, &info, out);
    buf_append_str(out, "\",");
    put_details(s, &info, out);
}

enum MHD_Result get_ollama_tags(exchange *x)
{
    buf out;
    buf_init(&out, SIZE_MAX);
    put_model(x->server, &out);
    buf_append_str(&out, ",\"modified_at\":");
    json_put_time(&out, x->server->started_s);
    buf_append_str(&out, "}]}");
    return http_reply_buf(x, 200, "application/json", &out);
}

/* The model is loaded as long as the server runs. */
enum MHD_Result get_ollama_ps(exchange *x)
{
    sumi_engine_stats stats;
    buf out;
    sumi_engine_get_stats(x->server->engine, &stats);
    buf_init(&out, SIZE_MAX);
    put_model(x->server, &out);
    buf_printf(&out, ",\"expires_at\":\"9999-12-31T23:59:59Z\",\"size_vram\":0,\"context_length\":%d}]}", stats.n_ctx);
    return http_reply_buf(x, 200, "application/json", &out);
}

enum MHD_Result get_ollama_version(exchange *x)
{
    buf out;
    buf_init(&out, 64);
    buf_printf(&out, "{\"version\":\"%s\"}", OLLAMA_VERSION);
    return http_reply_buf(x, 200, "application/json", &out);
}

/* ---- /api/show ---- */

/* "llama.block_count": under the names of GGUF files, which are these clients' too. */
static void put_model_info(const sumi_model_info *info, buf *out)
{
    const struct {
        const char *name;
        int32_t value;
    } numbers[] = { { "context_length", info->n_ctx_train },    { "embedding_length", info->n_embd },
                    { "block_count", info->n_layers },          { "feed_forward_length", info->n_ff },
                    { "attention.head_count", info->n_heads },  { "attention.head_count_kv", info->n_kv_heads },
                    { "attention.key_length", info->head_dim }, { "vocab_size", info->n_vocab } };
    buf_append_str(out, "\"model_info\":{\"general.architecture\":");
    json_put_string(out, info->architecture);
    buf_append_str(out, ",\"general.basename\":");
    json_put_string(out, info->name);
    buf_printf(out, ",\"general.parameter_count\":%llu", (unsigned long long)info->n_params);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        buf_printf(out, ",\"%s.%s\":%d", info->architecture, numbers[i].name, numbers[i].value);
    buf_append_char(out, '}');
}

static enum MHD_Result show(exchange *x)
{
    sumi_model_info info;
    buf out;
    sumi_model_get_info(x->server->model, &info);
    buf_init(&out, SIZE_MAX);
    buf_append_str(&out, "{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\",");
    put_details(x->server, &info, &out);
    buf_append_char(&out, ',');
    put_model_info(&info, &out);
    buf_append_str(&out, ",\"capabilities\":[");
    if (info.has_logits) buf_append_str(&out, "\"completion\",");
    buf_append_str(&out, "\"embedding\"],\"modified_at\":");
    json_put_time(&out, x->server->started_s);
    buf_append_char(&out, '}');
    return http_reply_buf(x, 200, "application/json", &out);
}

static enum MHD_Result pull(exchange *x, bool streamed)
{
    buf out;
    buf_init(&out, 128);
    if (streamed) buf_append_str(&out, "{\"status\":\"pulling manifest\"}\n");
    buf_append_str(&out, streamed ? "{\"status\":\"success\"}\n" : "{\"status\":\"success\"}");
    return http_reply_buf(x, 200, streamed ? "application/x-ndjson" : "application/json", &out);
}

/* A body that names a model. It may be large: no client is prevented from sending a large one. */
typedef struct name_work {
    body_work base;
    bool pulls, streamed; /* streamed: as the body says */
    bool ok;              /* the body names the served model in one of two fields, or no model; false: e says what is
                             wrong */
    api_error e;
} name_work;

static void read_name(body_work *b)
{
    name_work *w = (name_work *)b;
    exchange *x = b->x;
    const char *name = NULL;
    json_t *o = json_parse_object(x->body.data, x->body.n, &w->e);
    buf_deinit(&x->body);
    w->ok = o && field_string(o, "name", &name, &w->e) && field_string(o, "model", &name, &w->e); /* the older name */
    w->ok = w->ok && field_bool(o, "stream", &w->streamed, &w->e) && text_api_check_model(x, name, &w->e);
    json_decref(o);
}

static enum MHD_Result answer(body_work *b)
{
    const name_work *w = (const name_work *)b;
    if (!w->ok) return http_error(b->x, &w->e);
    return w->pulls ? pull(b->x, w->streamed) : show(b->x);
}

static void destroy(body_work *b)
{
    free(b);
}

static enum MHD_Result start(exchange *x, bool pulls)
{
    name_work *w = calloc(1, sizeof *w);
    if (!w) return body_work_start(x, NULL);
    w->base = (body_work){ .run = read_name, .answer = answer, .destroy = destroy };
    w->pulls = w->streamed = pulls;
    return body_work_start(x, &w->base);
}

enum MHD_Result post_ollama_show(exchange *x)
{
    return start(x, false);
}

enum MHD_Result post_ollama_pull(exchange *x)
{
    return start(x, true);
}
