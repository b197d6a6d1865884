/* hf_family.h - what Hugging Face calls the tensors and settings of each model family, and what GGUF does.
 *
 * A family is a row of the table in hf_family.c. Names of GGUF and the order of rows inside tensors are those of
 * llama.cpp's converter, so that its files and ours are alike. */
#ifndef SUMI_CONVERT_HF_FAMILY_H
#define SUMI_CONVERT_HF_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

/* How the rows of a GGUF tensor come from those of its source. */
typedef enum hf_order {
    HF_SAME,
    HF_ROPE_Q, /* of each query head: halves (x0 x1 .. y0 y1 ..) become pairs (x0 y0 x1 y1 ..), if the family rotates */
    HF_ROPE_K, /* adjacent elements (HF_PAIRS); the same for key heads */
    HF_GROUPS, /* groups of query heads with their key head and value head become all queries, all keys, all values */
    HF_GROUPS_Q,   /* only the queries of such groups, as HF_ROPE_Q */
    HF_GROUPS_K,   /* their keys, as HF_ROPE_K */
    HF_GROUPS_V,   /* their values */
    HF_LATENT_K,   /* of each head the rows that make its key from a latent, transposed (DeepSeek) */
    HF_LATENT_V,   /* the other rows, which make its value */
    HF_FIRST_HALF, /* of the rows: gate and up in one tensor */
    HF_SECOND_HALF,
    HF_EVEN, /* rows 0, 2, ...: gate and up in turn */
    HF_ODD,
    HF_MXFP4_EVEN, /* the same of experts in MXFP4, which have a tensor of blocks and one of scales (gpt-oss) */
    HF_MXFP4_ODD,
    HF_MXFP4,
    HF_TRANSPOSED = 32, /* a flag: inputs are in front */
} hf_order;

/* The name of a module and, in GGUF, of its tensors without ".weight" or ".bias". In hf a '*' is a number: tensors that
 * differ in it are stacked, slowest first. */
typedef struct hf_name {
    const char *hf, *gguf; /* hf NULL: the end; gguf NULL: the tensor is of no use */
    hf_order order;
} hf_name;

enum {
    HF_PAIRS = 1 << 0,        /* rotates adjacent elements in GGUF: see hf_order */
    HF_NORM_PLUS_1 = 1 << 1,  /* norms multiply with 1 + their weight */
    HF_LAYER_NORM = 1 << 2,   /* norm_eps is that of LayerNorm */
    HF_NO_ROPE = 1 << 3,      /* learned positions */
    HF_WINDOWS = 1 << 4,      /* sliding_window counts, with layer_types if they are there */
    HF_LIST_WINDOWS = 1 << 5, /* the layers that have one are listed in the file */
    HF_WIDE_EXPERTS = 1 << 6, /* intermediate_size is that of experts */
    HF_WINDOW_SWITCH = 1 << 7,    /* windows are off unless use_sliding_window is true */
    HF_MAY_NORM_EXPERTS = 1 << 8, /* norm_topk_prob counts; without it a family has one way */
};

struct hf_keys;

typedef struct hf_family {
    const char *classes[6];     /* "architectures" of config.json */
    const char *arch;           /* general.architecture */
    const char *layers;         /* what is before the number of a layer: "model.layers." */
    const hf_name *top;         /* modules outside the layers */
    const hf_name *own, *block; /* modules of a layer: own come before block; own may be NULL */
    uint32_t traits;
    int32_t window_pattern;          /* with HF_WINDOWS: every n-th layer has none; 0: all have */
    /* What holds where config.json does not say, in transformers; 0 and NULL: what most have. */
    double norm_eps;   /* 1e-5 */
    double rope_theta; /* 10000 */
    double rotated;    /* part of a head that rotates; 0: all of it, and config.json can say nothing else */
    int32_t head_dim;  /* hidden_size / num_attention_heads */
    int32_t window;    /* none */
    const char *activation; /* as readers of GGUF call it; "silu". It needs no key there */
    void (*keys)(struct hf_keys *k); /* what only this family has; NULL: nothing */
} hf_family;

/* NULL: not known. *is_base: the class has no output head, as "Qwen3Model". */
const hf_family *hf_family_find(const char *class, bool *is_base);

/* By "model_type", for files without "architectures". NULL: not known. */
const hf_family *hf_family_of_type(const char *model_type);

#endif
