/* hf_sampling.h - generation_config.json's settings of sampling as GGUF metadata. */
#ifndef SUMI_HF_HF_SAMPLING_H
#define SUMI_HF_HF_SAMPLING_H

#include "format/gguf_write.h"
#include "hf/hf_folder.h"

/* Keys general.sampling.* as gguf-py writes them; nothing without such a file. */
void hf_sampling_write(const hf_folder *f, gguf_head *head);

#endif
