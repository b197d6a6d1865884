/* model_file.h - opens a model: a GGUF file, or a Hugging Face folder. */
#ifndef SUMI_HF_MODEL_FILE_H
#define SUMI_HF_MODEL_FILE_H

#include "base/log.h"
#include "format/gguf.h"

/* A folder, or a safetensors file in one, is opened by hf_open(); everything else by gguf_open(). EUNSUPPORTED also for
 * Python's pickle files, with the reason. log: receives warnings; may be NULL. */
SUMI_MUST_USE sumi_status model_file_open(gguf **out, const char *path, const logger *log, sumi_error *err);

#endif
