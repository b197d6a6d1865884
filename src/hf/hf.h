/* hf.h - opens a Hugging Face folder as a model source.
 *
 *   config.json -> keys (hf_keys.c)      tokenizer.json -> keys (hf_tokenizer.c)      safetensors -> tensors (hf_tensors.c)
 *
 * The keys and the descriptions of tensors are those that llama.cpp's converter would write. Data stays in the files of
 * the folder, which are open until model_source_finish_reading(). Code
 * that reads a model source needs no special case for folders. */
#ifndef SUMI_HF_HF_H
#define SUMI_HF_HF_H

#include "base/log.h"
#include "format/model_source.h"
#include "hf/hf_folder.h"

/* Errors as hf_folder_init(), and EUNSUPPORTED: an unknown architecture, setting, tensor or vocabulary; the message names
 * it. Contradictions inside the folder are reported to log (may be NULL). Free with model_source_close(). */
SUMI_MUST_USE sumi_status hf_open(model_source **out, const char *path, const logger *log, sumi_error *err);

/* The same for a folder that was read already; takes ownership of the folder, on failure too. */
SUMI_MUST_USE sumi_status hf_describe(model_source **out, hf_folder *folder, const logger *log, sumi_error *err);

#endif
