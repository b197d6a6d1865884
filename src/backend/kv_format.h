/* kv_format.h - the number formats of cached keys and values. The bytes of a block in a format are the backend's choice
 * (cpu/kv_block.h); nothing above a backend reads them. */
#ifndef SUMI_BACKEND_KV_FORMAT_H
#define SUMI_BACKEND_KV_FORMAT_H

typedef enum kv_format {
    KV_F16,
    KV_F32, /* for models that round no activations: rounding keys changes log-probabilities by up to 0.04, which would
               hide errors of this size in a comparison with a float32 definition */
    KV_N_FORMATS,
} kv_format;

#endif
