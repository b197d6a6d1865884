/* end_tokens.c - see end_tokens.h. Files often name one end token although the model uses several: Llama 3 ends a text
 * with <|end_of_text|> but a turn with <|eot_id|>. The names below are documented for the families' chat formats, and
 * llama.cpp knows them, too. They count for control tokens only: in Gemma's vocabulary </s> is a tag of HTML. */
#include "text/end_tokens.h"

#include <string.h>

#include "base/error.h"

static const char *const names[] = {
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|eot|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|end_of_turn|>",
    "<|EOT|>",
    "<EOT>",
    "_<EOT>",
    "< EOT >",
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>", /* DeepSeek */
    "<|flush|>",
    "<|calls|>", /* Solar Open */
    "[EOT]",
    "[EOS]", /* Kimi K2 */
    "<turn|>",
    "<|tool_response>",   /* Gemma 4 */
    "<end_of_utterance>", /* SmolDocling */
    "[e~[",               /* MiniMax M2 */
    /* Code models write the next file of a repository, or padding, after an insertion. */
    "<|fim_pad|>",
    "<fim-pad>",
    "<fim_pad>",
    "<PAD>",
    "[PAD]",
    "<|fim_repo|>",
    "<|repo_name|>",
    "<fim-repo>",
    "<REPO>",
    "<reponame>",
    "<|file_sep|>",
};

static const char *const keys[] = {
    "tokenizer.ggml.eot_token_id",     "tokenizer.ggml.eom_token_id",     "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
};

static bool is_named(const vocab_text *t, const char *name)
{
    return strlen(name) == t->n && !memcmp(name, t->data, t->n);
}

static bool is_known_end(const vocab_text *t)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_named(t, names[i])) return true;
    return false;
}

/* Whether a token of this name ends a generation. */
static bool has_end(const bool *ends, const vocab *v, const char *name)
{
    for (int32_t i = 0; i < v->n_tokens; i++)
        if (ends[i] && is_named(&v->raw[i], name)) return true;
    return false;
}

static void remove_end(bool *ends, const vocab *v, const char *name)
{
    for (int32_t i = 0; i < v->n_tokens; i++)
        if (ends[i] && is_named(&v->raw[i], name)) ends[i] = false;
}

/* gpt-oss and Solar Open end a message, not their turn, with <|end|>. */
static void remove_inner(bool *ends, const vocab *v)
{
    bool harmony = has_end(ends, v, "<|return|>") && has_end(ends, v, "<|call|>");
    bool solar = has_end(ends, v, "<|calls|>") && has_end(ends, v, "<|flush|>");
    if (harmony || solar) remove_end(ends, v, "<|end|>");
}

static sumi_status check_id(const vocab *v, const model_source *src, const char *key, int64_t value, sumi_error *err)
{
    if (value >= 0 && value < v->n_tokens) return SUMI_OK;
    return sumi_fail(err, SUMI_EFORMAT, "%s: %s is %lld, outside the vocabulary of %d tokens", model_source_name(src),
                     key, (long long)value, v->n_tokens);
}

sumi_status token_id_read(const vocab *v, const model_source *src, const char *key, int32_t *id, sumi_error *err)
{
    int64_t value;
    *id = -1;
    if (!model_source_get_i64(src, key, &value) || value == -1 || value == UINT32_MAX) return SUMI_OK;
    sumi_status status = check_id(v, src, key, value, err);
    if (status == SUMI_OK) *id = (int32_t)value;
    return status;
}

sumi_status token_ids_read(const vocab *v, const model_source *src, const char *key, id_list *ids, sumi_error *err)
{
    gguf_array a;
    if (model_source_find_key(src, key) < 0) return SUMI_OK;
    if (!model_source_get_array(src, key, &a) || a.type == GGUF_STRING || a.type == GGUF_BOOL || a.type == GGUF_F32 ||
        a.type == GGUF_F64)
        return sumi_fail(err, SUMI_EFORMAT, "%s: %s is not an array of integers", model_source_name(src), key);
    if (a.n > TOKEN_IDS_MAX)
        return sumi_fail(err, SUMI_ELIMIT, "%s: %s has %llu tokens; at most %d are possible", model_source_name(src),
                         key, (unsigned long long)a.n, TOKEN_IDS_MAX);
    for (uint64_t i = 0; i < a.n; i++) {
        int64_t value = gguf_array_i64(&a, i);
        if (value == -1 || value == UINT32_MAX) continue;
        sumi_status status = check_id(v, src, key, value, err);
        if (status != SUMI_OK) return status;
        id_list_add(ids, (int32_t)value);
    }
    return ids->failed ? sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", key) : SUMI_OK;
}

sumi_status end_tokens_find(bool *ends, const vocab *v, const model_source *src, int32_t eos, sumi_error *err)
{
    id_list ids = { 0 };
    int32_t id;
    for (int32_t i = 0; i < v->n_tokens; i++)
        if (v->kind[i] == TOKEN_CONTROL && is_known_end(&v->raw[i])) ends[i] = true;
    remove_inner(ends, v);
    if (eos >= 0) ends[eos] = true;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        sumi_status status = token_id_read(v, src, keys[i], &id, err);
        if (status != SUMI_OK) return status;
        if (id >= 0) ends[id] = true;
    }
    sumi_status status = token_ids_read(v, src, "tokenizer.ggml.eos_token_ids", &ids, err);
    for (size_t i = 0; i < ids.n; i++) ends[ids.ids[i]] = true;
    free(ids.ids);
    return status;
}
