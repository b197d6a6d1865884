/* end_tokens.c - see end_tokens.h. Files often name one end token where the model uses several: Llama 3 ends a
 * text with <|end_of_text|> but a turn with <|eot_id|>. The names are those that the families' chat formats
 * document. */
#include "text/end_tokens.h"

#include <string.h>

#include "base/error.h"

static const char *const names[] = {
    "</s>", "<eos>", "<end_of_turn>", "<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>",
    "<|eot|>", "<|end|>", "<|return|>", "<|call|>", "<|end_of_turn|>", "<|EOT|>", "<EOT>", "_<EOT>", "< EOT >",
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>", /* DeepSeek */
};

static bool is_known_end(const vocab_text *t)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == t->n && !memcmp(names[i], t->data, t->n)) return true;
    return false;
}

sumi_status token_id_read(const vocab *v, const gguf *g, const char *key, int32_t *id, sumi_error *err)
{
    int64_t value;
    *id = -1;
    if (!gguf_get_i64(g, key, &value) || value == -1 || value == UINT32_MAX) return SUMI_OK;
    if (value < 0 || value >= v->n_tokens)
        return sumi_fail(err, SUMI_EFORMAT, "%s: %s is %lld, outside the vocabulary of %d tokens", gguf_name(g), key,
                         (long long)value, v->n_tokens);
    *id = (int32_t)value;
    return SUMI_OK;
}

sumi_status end_tokens_find(bool *ends, const vocab *v, const gguf *g, int32_t eos, sumi_error *err)
{
    int32_t eot, eom;
    sumi_status status = token_id_read(v, g, "tokenizer.ggml.eot_token_id", &eot, err);
    if (!status) status = token_id_read(v, g, "tokenizer.ggml.eom_token_id", &eom, err);
    if (status) return status;
    for (int32_t i = 0; i < v->n_tokens; i++)
        if (v->kind[i] == TOKEN_CONTROL && is_known_end(&v->raw[i])) ends[i] = true;
    if (eos >= 0) ends[eos] = true;
    if (eot >= 0) ends[eot] = true;
    if (eom >= 0) ends[eom] = true;
    return SUMI_OK;
}
