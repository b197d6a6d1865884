/* model_source_open.h - opens whatever a path leads to: a GGUF file, or a Hugging Face folder. */
#ifndef SUMI_HF_MODEL_SOURCE_OPEN_H
#define SUMI_HF_MODEL_SOURCE_OPEN_H

#include "base/log.h"
#include "format/model_source.h"

/* A folder, or a safetensors file in one, is opened by hf_open(); everything else by gguf_open(). EUNSUPPORTED also for
 * Python's pickle files, with the reason. log: receives warnings; may be NULL. */
SUMI_MUST_USE sumi_status model_source_open(model_source **out, const char *path, const logger *log, sumi_error *err);

#endif
