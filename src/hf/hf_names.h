/* hf_names.h - names of tensors, as the classes of transformers have them and as GGUF does. Tables end with an empty row. */
#ifndef SUMI_HF_HF_NAMES_H
#define SUMI_HF_HF_NAMES_H

#include "hf/hf_family.h"

/* Outside the layers. */
extern const hf_name hf_llama_top[], hf_gpt2_top[], hf_falcon_top[], hf_mpt_top[], hf_gptneox_top[], hf_internlm2_top[],
    hf_bert_top[], hf_nomic_top[];

/* In a layer. */
extern const hf_name hf_llama_block[], hf_mixtral_block[], hf_glm4moe_block[], hf_granitemoe_block[],
    hf_gpt_oss_block[], hf_llama4_block[], hf_post_norms[], hf_phi2_block[], hf_stablelm_block[], hf_starcoder2_block[],
    hf_gpt2_block[], hf_starcoder_block[], hf_exaone_block[], hf_falcon_block[], hf_mpt_block[], hf_gptneox_block[],
    hf_internlm2_block[], hf_bert_block[], hf_nomic_block[];

#endif
