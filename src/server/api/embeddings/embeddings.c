/* embeddings.c - the endpoints that answer with vectors: OpenAI's, and the two of Ollama. */
#include "engine/pooling.h"
#include "server/api/embeddings/embeddings_reply.h"
#include "server/api/embeddings/embeddings_request.h"
#include "server/api/text_api.h"
#include "server/http/endpoints.h"

/* Checks the pooling, the number of dimensions, and the length of the texts. */
static bool check(const exchange *x, text_request *r, text_ids *ids, api_error *e)
{
    sumi_model_info model;
    sumi_engine_stats stats;
    sumi_model_get_info(x->server->model, &model);
    sumi_engine_get_stats(x->server->engine, &stats);
    if (!r->params.embed) r->params.embed = pooling_or_default(x->server->opts.pooling, x->server->model);
    if (r->params.embed == SUMI_POOL_CLS && !model.is_encoder)
        return api_fail(e, 400, "invalid_value", "pooling",
                        "pooling: \"cls\" needs an encoder, and this model is not an encoder");
    if (r->dimensions > model.n_embd)
        return api_fail(e, 400, "invalid_value", "dimensions", "dimensions: %d, but the model's vectors have %d",
                        r->dimensions, model.n_embd);
    for (int32_t i = 0; i < ids->n; i++) {
        if (ids->n_ids[i] <= stats.n_ctx) continue;
        if (!r->cut) return api_fail_context(e, r->source, ids->n_ids[i], stats.n_ctx);
        ids->n_ids[i] = pooling_truncate(x->server->model, ids->ids[i], ids->n_ids[i], stats.n_ctx);
    }
    return true;
}

enum MHD_Result post_embeddings(exchange *x)
{
    static const text_api api = { embeddings_parse, embeddings_reply_create, &embeddings_format, check, true };
    return text_api_post(x, &api);
}

enum MHD_Result post_ollama_embed(exchange *x)
{
    static const text_api api = { embeddings_parse_ollama, embeddings_ollama_reply_create, &embeddings_format, check,
                                  true };
    return text_api_post(x, &api);
}

enum MHD_Result post_ollama_embeddings(exchange *x)
{
    static const text_api api = { embeddings_parse_ollama_one, embeddings_ollama_one_reply_create, &embeddings_format,
                                  check, true };
    return text_api_post(x, &api);
}
