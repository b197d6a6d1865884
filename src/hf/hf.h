/* hf.h - presents a Hugging Face folder as a GGUF file.
 *
 *   config.json -> keys (hf_keys.c)      tokenizer.json -> keys (hf_tokenizer.c)      safetensors -> tensors (hf_tensors.c)
 *
 * The keys and the descriptions of tensors are those that llama.cpp's converter would write. Data stays in the files of
 * the folder, which are open until gguf_finish_reading(). So code that reads models needs no special case for folders. */
#ifndef SUMI_HF_HF_H
#define SUMI_HF_HF_H

#include "base/log.h"
#include "format/gguf.h"
#include "hf/hf_folder.h"

/* Errors as hf_folder_init(), and EUNSUPPORTED: an unknown architecture, setting, tensor or vocabulary; the message names
 * it. Contradictions inside the folder are reported to log (may be NULL). Free with gguf_close(). */
SUMI_MUST_USE sumi_status hf_open(gguf **out, const char *path, const logger *log, sumi_error *err);

/* The same for a folder that was read already; takes ownership of the folder, on failure too. */
SUMI_MUST_USE sumi_status hf_describe(gguf **out, hf_folder *folder, const logger *log, sumi_error *err);

#endif
