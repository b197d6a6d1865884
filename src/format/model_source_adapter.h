/* model_source_adapter.h - sources that hold a LoRA adapter: what another model differs by, and no model.
 *
 * Their key general.type is "adapter" (gguf-py, llama.cpp's convert_lora_to_gguf.py); tensors are called like those of
 * the other model, with .lora_a and .lora_b behind. */
#ifndef SUMI_FORMAT_MODEL_SOURCE_ADAPTER_H
#define SUMI_FORMAT_MODEL_SOURCE_ADAPTER_H

#include "format/model_source.h"

/* *base: the name of the model that it belongs to; empty: it names none. */
bool model_source_is_adapter(const model_source *src, gguf_str *base);

/* EUNSUPPORTED if it is one. */
SUMI_MUST_USE sumi_status model_source_refuse_adapter(const model_source *src, sumi_error *err);

#endif
