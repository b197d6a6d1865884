/* kv_format.h - what a layer caches of a token: its sizes, and the format of its numbers.
 *
 * The bytes of a block in a format are the backend's choice (cpu/kv_block.h), and only the operations of the backend read
 * them. The rooms above know a format by its name, and a block by its length. */
#ifndef SUMI_BACKEND_KV_FORMAT_H
#define SUMI_BACKEND_KV_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum kv_format {
    KV_F16,
    KV_F32, /* for models that round no activations: rounding keys changes log-probabilities by up to 0.04, which would
               hide errors of this size in a comparison with a float32 definition */
    KV_N_FORMATS,
} kv_format;

/* The keys and values of a layer. */
typedef struct kv_shape {
    kv_format format;
    int32_t n_kv_heads;
    int32_t head_dim, v_dim; /* elements of a key, and of a value */
    bool latent;             /* a value is the first v_dim elements of its key, which is stored once: multi-head latent
                                attention (DeepSeek-V2, 2024) */
} kv_shape;

/* "f16". It identifies the format in files. */
const char *kv_format_name(kv_format format);

#endif
