/* hf_activation.c - the function of the feed-forward blocks. A family's own needs no key; another one is written. */
#include <string.h>

#include "hf/hf_keys.h"

/* transformers' names (its table ACT2FN) and the names for readers of GGUF. Functions that agree to a few units in the
 * last place have one name. */
static const struct {
    const char *hf, *gguf;
} functions[] = {
    { "silu", "silu" },
    { "swish", "silu" },
    { "swiglu", "silu" }, /* nomic-embed-text */
    { "gelu", "gelu" },
    { "gelu_python", "gelu" },
    { "gelu_new", "gelu_pytorch_tanh" },
    { "gelu_fast", "gelu_pytorch_tanh" },
    { "gelu_pytorch_tanh", "gelu_pytorch_tanh" },
    { "gelu_python_tanh", "gelu_pytorch_tanh" },
    { "relu2", "relu2" },
};

static const char *find(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!strcmp(functions[i].hf, name)) return functions[i].gguf;
    return NULL;
}

void hf_activation(hf_keys *k)
{
    static const char *const settings[] = { "hidden_activation", "hidden_act", "activation_function", "activation" };
    const char *usual = k->family->activation ? k->family->activation : "silu", *name = NULL, *setting = NULL;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *text = hf_text(k, settings[i]);
        if (!name && text) name = text, setting = settings[i];
    }
    if (!name) return;
    /* Gemma's first files say "gelu" and mean its tanh form, as Google's own program and llama.cpp compute. */
    if (!strcmp(k->family->arch, "gemma") && !strcmp(name, "gelu")) return;
    const char *function = find(name);
    bool fixed = !strcmp(k->family->arch, "gpt-oss"); /* made of SiLU with limits */
    if (!function || (fixed && strcmp(function, usual) != 0))
        hf_fail(k, SUMI_EUNSUPPORTED, "'%s' is '%.40s', an activation that is not supported", setting, name);
    else if (strcmp(function, usual) != 0) hf_put_str(k, "hidden_activation", function);
}
