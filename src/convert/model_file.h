/* model_file.h - opens whatever a user calls a model: a GGUF file, or a Hugging Face folder. */
#ifndef SUMI_CONVERT_MODEL_FILE_H
#define SUMI_CONVERT_MODEL_FILE_H

#include "base/log.h"
#include "format/gguf.h"

/* A folder, or a safetensors file in one, is opened by hf_open(); everything else by gguf_open(). EUNSUPPORTED also for
 * files that Python's pickle wrote, with the reason. log: takes warnings; NULL: nobody does. */
SUMI_MUST_USE sumi_status model_file_open(gguf **out, const char *path, const logger *log, sumi_error *err);

#endif
