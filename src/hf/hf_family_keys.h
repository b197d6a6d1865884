/* hf_family_keys.h - settings of config.json that only one family has, or means in its own way. The table of hf_family.c
 * points to these functions; hf_keys_write() calls the one of its family after all others. */
#ifndef SUMI_HF_HF_FAMILY_KEYS_H
#define SUMI_HF_HF_FAMILY_KEYS_H

#include "hf/hf_keys.h"

void hf_keys_parallel(hf_keys *k);
void hf_keys_bert(hf_keys *k);
void hf_keys_nomic(hf_keys *k);
void hf_keys_cohere(hf_keys *k);
void hf_keys_deepseek(hf_keys *k);
void hf_keys_falcon(hf_keys *k);
void hf_keys_gemma2(hf_keys *k);
void hf_keys_glm4moe(hf_keys *k);
void hf_keys_ernie(hf_keys *k);
void hf_keys_gpt_oss(hf_keys *k);
void hf_keys_granite(hf_keys *k);
void hf_keys_llama4(hf_keys *k);
void hf_keys_llama(hf_keys *k);
void hf_keys_minicpm(hf_keys *k);
void hf_keys_mpt(hf_keys *k);
void hf_keys_olmo(hf_keys *k);
void hf_keys_olmoe(hf_keys *k);
void hf_keys_smollm3(hf_keys *k);
void hf_keys_starcoder(hf_keys *k);

#endif
