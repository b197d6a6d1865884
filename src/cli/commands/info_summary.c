/* info_summary.c - what the overview says about a file, without opening it as a model. See info.h. */
#include <stdio.h>

#include "cli/commands/info.h"

void info_summarise(const model_source *src, info_summary *s)
{
    *s = (info_summary){ 0 };
    model_source_get_str(src, "general.architecture", &s->architecture);
    model_source_get_str(src, "general.name", &s->name);
    model_source_get_str(src, "general.license", &s->license);
    model_source_get_str(src, "tokenizer.ggml.model", &s->tokenizer);
    model_source_get_str(src, "tokenizer.ggml.pre", &s->pretokenizer);
    model_source_get_str(src, "tokenizer.chat_template", &s->chat_template);
    gguf_array tokens;
    if (model_source_get_array(src, "tokenizer.ggml.tokens", &tokens)) s->n_vocab = tokens.n;
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) {
        const source_tensor *t = model_source_tensor_at(src, i);
        struct info_type *type = &s->types[t->type->type];
        type->n_tensors++;
        type->n_params += (uint64_t)t->n_elems;
        s->n_params += (uint64_t)t->n_elems;
        s->weight_bytes += t->n_bytes;
    }
    if (s->n_params) s->bits_per_weight = 8.0 * (double)s->weight_bytes / (double)s->n_params;
}

bool info_arch_i64(const model_source *src, const info_summary *s, const char *suffix, int64_t *value)
{
    char key[256];
    int n = snprintf(key, sizeof key, "%.*s.%s", s->architecture.n < 128 ? (int)s->architecture.n : 0,
                     s->architecture.n ? s->architecture.data : "", suffix);
    return n < (int)sizeof key && model_source_get_i64(src, key, value);
}
