/* props.c - GET /props, /slots and /tokenizer_info: clients of llama.cpp's server and of vLLM read these before they send
 * text.
 *
 * The path of the model's file is not shown: model_path is its name. A slot is a place for one running answer. sumi has no
 * fixed places, so the first slots are shown as in use. */
#include <string.h>

#include "engine/sumi_model.h"
#include "server/api/json_text.h"
#include "server/api/text_api.h"
#include "server/http/endpoints.h"

/* "key":"the text of the token", or null. */
static void put_token(const tokenizer *t, const char *key, int32_t id, buf *out)
{
    size_t n;
    const char *text = id >= 0 ? tokenizer_text(t, id, &n) : NULL;
    buf_printf(out, ",\"%s\":", key);
    if (text) json_put_text(out, text, n);
    else buf_append_str(out, "null");
}

/* ,"chat_template":"..." , or null. */
static void put_template(const sumi_model *m, buf *out)
{
    gguf_str source;
    buf_append_str(out, ",\"chat_template\":");
    if (m->chat && model_source_get_str(m->source, "tokenizer.chat_template", &source))
        json_put_text(out, source.data, source.n);
    else buf_append_str(out, "null");
}

/* The settings of a chat that does not set them. */
static void put_params(const sumi_request *p, buf *out)
{
    const sumi_sampling *s = &p->sampling;
    buf_printf(out, "\"params\":{\"n_predict\":%d,\"seed\":-1,\"temperature\":", p->max_tokens);
    json_put_number(out, (double)s->temperature);
    buf_printf(out, ",\"top_k\":%d,\"top_p\":", s->top_k);
    json_put_number(out, (double)s->top_p);
    buf_append_str(out, ",\"min_p\":");
    json_put_number(out, (double)s->min_p);
    buf_append_str(out, ",\"repeat_penalty\":");
    json_put_number(out, (double)s->repeat_penalty);
    buf_printf(out, ",\"repeat_last_n\":%d}", s->penalty_last_n);
}

enum MHD_Result get_props(exchange *x)
{
    const server *s = x->server;
    const tokenizer *t = model_tokenizer(s->model);
    const text_limits limits = text_api_limits(x);
    sumi_engine_stats stats;
    text_request nothing;
    api_error e;
    buf out;
    if (!text_request_open(&nothing, "{}", 2, &e)) return http_error(x, &e);
    text_take_defaults(&nothing, &limits);
    sumi_engine_get_stats(s->engine, &stats);
    buf_init(&out, SIZE_MAX);
    buf_printf(&out, "{\"default_generation_settings\":{\"n_ctx\":%d,\"speculative\":false,", stats.n_ctx);
    put_params(&nothing.params, &out);
    text_request_deinit(&nothing);
    buf_printf(&out, "},\"total_slots\":%d,\"model_path\":", stats.max_seqs);
    json_put_string(&out, s->opts.model_name);
    buf_append_str(&out, ",\"model_alias\":");
    json_put_string(&out, s->opts.model_name);
    put_template(s->model, &out);
    put_token(t, "bos_token", tokenizer_bos(t), &out);
    put_token(t, "eos_token", tokenizer_eos(t), &out);
    buf_printf(&out, ",\"modalities\":{\"vision\":false,\"audio\":false},\"build_info\":\"sumi %s\"}", sumi_version());
    return http_reply_buf(x, 200, "application/json", &out);
}

/* ?fail_on_no_slot=1: 503 if all are in use. */
static bool wants_free_slot(const exchange *x)
{
    const char *wanted = MHD_lookup_connection_value(x->conn, MHD_GET_ARGUMENT_KIND, "fail_on_no_slot");
    return wanted && strcmp(wanted, "0") != 0;
}

enum MHD_Result get_slots(exchange *x)
{
    sumi_engine_stats stats;
    api_error e;
    buf out;
    sumi_engine_get_stats(x->server->engine, &stats);
    if (wants_free_slot(x) && stats.n_seqs >= stats.max_seqs) {
        api_fail(&e, 503, "no_slot", NULL, "all %d slots are in use", stats.max_seqs);
        return http_error(x, &e);
    }
    buf_init(&out, SIZE_MAX);
    buf_append_char(&out, '[');
    for (int32_t i = 0; i < stats.max_seqs; i++)
        buf_printf(&out, "%s{\"id\":%d,\"n_ctx\":%d,\"speculative\":false,\"is_processing\":%s}", i ? "," : "", i,
                   stats.n_ctx, i < stats.n_seqs ? "true" : "false");
    buf_append_char(&out, ']');
    return http_reply_buf(x, 200, "application/json", &out);
}

/* The names of tokenizer_config.json. */
enum MHD_Result get_tokenizer_info(exchange *x)
{
    static const char *const flags[] = { "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token" };
    const sumi_model *m = x->server->model;
    const tokenizer *t = model_tokenizer(m);
    sumi_engine_stats stats;
    gguf_str kind;
    bool adds;
    buf out;
    sumi_engine_get_stats(x->server->engine, &stats);
    buf_init(&out, SIZE_MAX);
    buf_append_str(&out, "{\"tokenizer_class\":");
    if (model_source_get_str(m->source, "tokenizer.ggml.model", &kind)) json_put_text(&out, kind.data, kind.n);
    else buf_append_str(&out, "null");
    buf_printf(&out, ",\"vocab_size\":%d,\"model_max_length\":%d", tokenizer_n_vocab(t), stats.n_ctx);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (model_source_get_bool(m->source, flags[i], &adds))
            buf_printf(&out, ",\"%s\":%s", strrchr(flags[i], '.') + 1, adds ? "true" : "false");
    put_token(t, "bos_token", tokenizer_bos(t), &out);
    put_token(t, "eos_token", tokenizer_eos(t), &out);
    put_template(m, &out);
    buf_append_char(&out, '}');
    return http_reply_buf(x, 200, "application/json", &out);
}
