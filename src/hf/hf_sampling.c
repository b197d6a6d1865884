/* hf_sampling.c - see hf_sampling.h. "do_sample" is ignored, as in vLLM: it only chooses transformers' default, and a
 * request can set a temperature of 0. */
#include "hf/hf_sampling.h"

static void put_real(const json_t *o, const char *name, gguf_head *head, const char *key)
{
    const json_t *v = json_object_get(o, name);
    if (json_is_number(v)) gguf_put_f32(head, key, (float)json_number_value(v));
}

void hf_sampling_write(const hf_folder *f, gguf_head *head)
{
    const json_t *o = f->generation, *top_k = json_object_get(o, "top_k");
    json_int_t k = json_integer_value(top_k);
    put_real(o, "temperature", head, "general.sampling.temp");
    if (json_is_integer(top_k) && k >= 0 && k <= INT32_MAX) gguf_put_u32(head, "general.sampling.top_k", (uint32_t)k);
    put_real(o, "top_p", head, "general.sampling.top_p");
    put_real(o, "min_p", head, "general.sampling.min_p");
    put_real(o, "repetition_penalty", head, "general.sampling.penalty_repeat");
}
