/* hf_config.h - the settings of config.json, one by one, and their GGUF keys.
 *
 * A value is searched under several names, because families name it differently, and first in the text part of the
 * configuration ("text_config" of multimodal models). After the first failure all later calls do nothing. */
#ifndef SUMI_HF_HF_CONFIG_H
#define SUMI_HF_HF_CONFIG_H

#include "base/log.h"
#include "format/gguf_write.h"
#include "hf/hf_family.h"
#include "hf/hf_folder.h"

/* A small tensor that is a setting in config.json: factors of rotations. */
typedef struct hf_factors {
    const char *name;
    float *values; /* [n], owned */
    int32_t n;
} hf_factors;

typedef struct hf_keys {
    const hf_folder *folder;
    const json_t *text; /* text_config, or NULL */
    const hf_family *family;
    gguf_head *head;
    const logger *log; /* for warnings; NULL: silent */
    json_t *read;      /* names of the settings that were read, as keys */
    sumi_error *err;
    sumi_status status;
    bool is_encoder, has_output; /* has_output: a tensor or the embeddings make logits */
    int64_t n_layers, n_embd, n_heads, n_kv_heads, head_dim;
    int64_t n_rot;           /* rotated elements of a head */
    int64_t latent_key_rows; /* of a head that is made from a latent: rows of its key (DeepSeek) */
    int64_t n_extra_layers;  /* at the end, for predicting more than one token: not used */
    hf_factors factors[2];
    int32_t n_factors;
} hf_keys;

/* The value under name, NULL: none, or null. */
const json_t *hf_get(hf_keys *k, const char *name);
/* A member of another object; k->read lists it as "PARENT.NAME". */
const json_t *hf_member(hf_keys *k, const json_t *object, const char *parent, const char *name);
/* The setting exists, maybe as null. */
bool hf_has(const hf_keys *k, const char *name);
/* The first of names (NULL at the end) that exists. */
int64_t hf_int(hf_keys *k, const char *const *names, int64_t low, int64_t high, int64_t otherwise);
double hf_number(hf_keys *k, const char *name, double otherwise);
bool hf_bool(hf_keys *k, const char *name, bool otherwise);
const char *hf_text(hf_keys *k, const char *name); /* NULL: none */

/* Under "ARCHITECTURE.suffix". */
void hf_put_int(hf_keys *k, const char *suffix, int64_t value);
void hf_put_f32(hf_keys *k, const char *suffix, double value);
void hf_put_bool(hf_keys *k, const char *suffix, bool value);
void hf_put_str(hf_keys *k, const char *suffix, const char *value);

/* "PATH/config.json: ..." */
void hf_fail(hf_keys *k, sumi_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Refuses a setting that exists and is not `value`. */
void hf_expect(hf_keys *k, const char *name, const char *value);

#endif
