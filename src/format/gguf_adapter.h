/* gguf_adapter.h - files that hold a LoRA adapter: what another model differs by, and no model.
 *
 * Their key general.type is "adapter" (gguf-py, llama.cpp's convert_lora_to_gguf.py); tensors are called like those of the
 * other model, with .lora_a and .lora_b behind. */
#ifndef SUMI_FORMAT_GGUF_ADAPTER_H
#define SUMI_FORMAT_GGUF_ADAPTER_H

#include "format/gguf.h"

/* *base: the name of the model that it belongs to; empty: it names none. */
bool gguf_is_adapter(const gguf *g, gguf_str *base);

/* EUNSUPPORTED if it is one. */
SUMI_MUST_USE sumi_status gguf_refuse_adapter(const gguf *g, sumi_error *err);

#endif
