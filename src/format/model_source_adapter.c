/* model_source_adapter.c - see model_source_adapter.h. */
#include "format/model_source_adapter.h"

#include "base/error.h"

enum { MAX_TOLD = 128 }; /* bytes of a name */

bool model_source_is_adapter(const model_source *src, gguf_str *base)
{
    gguf_str type;
    *base = (gguf_str){ "", 0 };
    if (!model_source_get_str(src, "general.type", &type) || !gguf_str_is(type, "adapter")) return false;
    if (!model_source_get_str(src, "general.base_model.0.name", base))
        model_source_get_str(src, "general.base_model.0.repo_url", base);
    return true;
}

sumi_status model_source_refuse_adapter(const model_source *src, sumi_error *err)
{
    static const char unnamed[] = "a model that it does not name";
    gguf_str base;
    if (!model_source_is_adapter(src, &base)) return SUMI_OK;
    if (!base.n) base = (gguf_str){ unnamed, sizeof unnamed - 1 };
    return sumi_fail(
        err, SUMI_EUNSUPPORTED,
        "%s: this is a LoRA adapter for %.*s, not a model; adapters are not supported yet: use that model, or one "
        "into which the adapter is merged",
        model_source_name(src), (int)(base.n < MAX_TOLD ? base.n : MAX_TOLD), base.data);
}
