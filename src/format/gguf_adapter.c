/* gguf_adapter.c - see gguf_adapter.h. */
#include "format/gguf_adapter.h"

#include "base/error.h"

enum { MAX_TOLD = 128 }; /* bytes of a name */

bool gguf_is_adapter(const gguf *g, gguf_str *base)
{
    gguf_str type;
    *base = (gguf_str){ "", 0 };
    if (!gguf_get_str(g, "general.type", &type) || !gguf_str_is(type, "adapter")) return false;
    if (!gguf_get_str(g, "general.base_model.0.name", base)) gguf_get_str(g, "general.base_model.0.repo_url", base);
    return true;
}

sumi_status gguf_refuse_adapter(const gguf *g, sumi_error *err)
{
    static const char unnamed[] = "a model that it does not name";
    gguf_str base;
    if (!gguf_is_adapter(g, &base)) return SUMI_OK;
    if (!base.n) base = (gguf_str){ unnamed, sizeof unnamed - 1 };
    return sumi_fail(
        err, SUMI_EUNSUPPORTED,
        "%s: this is a LoRA adapter for %.*s, not a model; adapters are not supported yet: use that model, or one "
        "into which the adapter is merged",
        gguf_name(g), (int)(base.n < MAX_TOLD ? base.n : MAX_TOLD), base.data);
}
