/* hf_folder.h - the files of a Hugging Face folder, parsed but not yet interpreted.
 *
 *   config.json                     what the model computes
 *   model.safetensors, or           its weights
 *   model.safetensors.index.json    ... in several files beside it
 *   tokenizer.json                  its vocabulary
 *   tokenizer_config.json, special_tokens_map.json, generation_config.json, chat_template.jinja, chat_template.json
 *   1_Pooling/config.json           how sentence-transformers makes an embedding
 *   adapter_config.json             of PEFT: the folder has an adapter, whose base model is elsewhere */
#ifndef SUMI_HF_HF_FOLDER_H
#define SUMI_HF_HF_FOLDER_H

#include <jansson.h>

#include "format/safetensors.h"

#define HF_MAX_FILES 4096

typedef struct hf_folder {
    char *path;
    json_t *config, *tokenizer, *tokenizer_config, *specials, *generation, *pooling,
        *adapter;        /* objects; NULL: no such file */
    char *chat_template; /* NUL-terminated; NULL: no file of its own */
    size_t n_chat_template;
    safetensors **files; /* [n_files] */
    int32_t n_files;
} hf_folder;

/* EIO: a file cannot be read or is missing; EUNSUPPORTED: weights only as pickle files; EFORMAT: malformed JSON or
 * safetensors; ELIMIT; ENOMEM. Errors name the file. A folder with tokenizer.json and without config.json is a vocabulary. A
 * folder with adapter_config.json and without weights is an adapter; its config is NULL. f is safe to deinit after a
 * failure. */
SUMI_MUST_USE sumi_status hf_folder_init(hf_folder *f, const char *path, sumi_error *err);
void hf_folder_deinit(hf_folder *f);

#endif
