/* hf.h - a Hugging Face folder as if it were a GGUF file.
 *
 *   config.json -> keys (hf_keys.c)      tokenizer.json -> keys (hf_tokenizer.c)      safetensors -> tensors (hf_tensors.c)
 *
 * The keys and the descriptions of tensors are those that llama.cpp's converter would write; data stays in the files of the
 * folder, which are open until it settles. So nothing that reads models has to know of it. */
#ifndef SUMI_CONVERT_HF_H
#define SUMI_CONVERT_HF_H

#include "base/log.h"
#include "convert/hf_folder.h"
#include "format/gguf.h"

/* Errors as hf_folder_init(), and EUNSUPPORTED: an architecture, a setting, a tensor or a vocabulary that is not known,
 * named. What the folder contradicts itself in is told to log (may be NULL). Free with gguf_close(). */
SUMI_MUST_USE sumi_status hf_open(gguf **out, const char *path, const logger *log, sumi_error *err);

/* The same for a folder that is read already; it is taken over, on failure too. */
SUMI_MUST_USE sumi_status hf_describe(gguf **out, hf_folder *folder, const logger *log, sumi_error *err);

#endif
