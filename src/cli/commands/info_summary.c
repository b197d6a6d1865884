/* info_summary.c - what the overview says about a file, without opening it as a model. See info.h. */
#include <stdio.h>

#include "cli/commands/info.h"

void info_summarise(const gguf *g, info_summary *s)
{
    *s = (info_summary){ 0 };
    gguf_get_str(g, "general.architecture", &s->architecture);
    gguf_get_str(g, "general.name", &s->name);
    gguf_get_str(g, "general.license", &s->license);
    gguf_get_str(g, "tokenizer.ggml.model", &s->tokenizer);
    gguf_get_str(g, "tokenizer.ggml.pre", &s->pretokenizer);
    gguf_get_str(g, "tokenizer.chat_template", &s->chat_template);
    gguf_array tokens;
    if (gguf_get_array(g, "tokenizer.ggml.tokens", &tokens)) s->n_vocab = tokens.n;
    for (int64_t i = 0; i < gguf_n_tensors(g); i++) {
        const gguf_tensor *t = gguf_tensor_at(g, i);
        struct info_type *type = &s->types[t->type->type];
        type->n_tensors++;
        type->n_params += (uint64_t)t->n_elems;
        s->n_params += (uint64_t)t->n_elems;
        s->weight_bytes += t->n_bytes;
    }
    if (s->n_params) s->bits_per_weight = 8.0 * (double)s->weight_bytes / (double)s->n_params;
}

bool info_arch_i64(const gguf *g, const info_summary *s, const char *suffix, int64_t *value)
{
    char key[256];
    int n = snprintf(key, sizeof key, "%.*s.%s", s->architecture.n < 128 ? (int)s->architecture.n : 0,
                     s->architecture.n ? s->architecture.data : "", suffix);
    return n < (int)sizeof key && gguf_get_i64(g, key, value);
}
