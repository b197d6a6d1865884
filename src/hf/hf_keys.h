/* hf_keys.h - config.json as GGUF metadata. hf_config.h reads and writes the single settings. */
#ifndef SUMI_HF_HF_KEYS_H
#define SUMI_HF_HF_KEYS_H

#include "hf/hf_config.h"

/* Writes general.architecture and all keys that define the computation; the sizes in k are valid afterwards. EFORMAT: a
 * setting is missing or invalid; EUNSUPPORTED: no GGUF key can express a setting. */
SUMI_MUST_USE sumi_status hf_keys_write(hf_keys *k, const hf_folder *f, const hf_family *family, gguf_head *head,
                                        sumi_error *err);
void hf_keys_deinit(hf_keys *k);

/* hf_rope.c: the rotations, as keys and as factors. */
void hf_rope(hf_keys *k);

/* hf_activation.c: the function of the feed-forward blocks, if it is another than the family's. */
void hf_activation(hf_keys *k);

/* hf_windows.c: which layers have a sliding window. */
void hf_windows(hf_keys *k);

/* hf_settings.c: refuses settings of the object that were not read and may matter. parent: the prefix of their names, or
 * "". */
void hf_check_settings(hf_keys *k, const json_t *settings, const char *parent);

#endif
