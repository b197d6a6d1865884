/* text_check.c - see text_check.h. */
#include "server/api/text_check.h"

bool text_check_ids(const char *field, const int32_t *ids, int32_t n_ids, int32_t n_vocab, api_error *e)
{
    for (int32_t i = 0; i < n_ids; i++)
        if (ids[i] < 0 || ids[i] >= n_vocab)
            return api_fail(e, 400, "invalid_value", field,
                            "%s: token %d (number %d of %d) is outside the vocabulary of %d tokens", field, ids[i],
                            i + 1, n_ids, n_vocab);
    return true;
}

static bool check_bias(const sumi_sampling *s, int32_t n_vocab, api_error *e)
{
    for (int32_t i = 0; i < s->n_bias; i++)
        if (!text_check_ids("logit_bias", &s->bias[i].id, 1, n_vocab, e)) return false;
    return true;
}

bool text_check(const text_request *r, const sumi_model_info *model, const sumi_engine_stats *engine, api_error *e)
{
    const sumi_request *p = &r->params;
    bool has_best = p->best_of > p->n;
    int32_t width = has_best ? p->best_of : p->n;
    for (int32_t i = 0; r->prompts && i < r->n_prompts; i++)
        if (!text_check_ids(r->source, r->prompts[i].ids, r->prompts[i].n_ids, model->n_vocab, e)) return false;
    if (!text_check_ids("stop_token_ids", p->stop_ids, p->n_stop_ids, model->n_vocab, e) ||
        !check_bias(&p->sampling, model->n_vocab, e))
        return false;
    return width <= engine->max_seqs || api_fail(e, 400, "invalid_value", has_best ? "best_of" : "n",
                                                 "%s: %d choices, but this server runs at most %d sequences at once",
                                                 has_best ? "best_of" : "n", width, engine->max_seqs);
}

const char *text_blamed_field(const sumi_request *params, const char *source)
{
    return params->best_of > params->n ? "best_of" : params->n > 1 ? "n" : source;
}
