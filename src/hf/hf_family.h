/* hf_family.h - the names of the tensors and settings of each model family, in Hugging Face folders and in GGUF.
 *
 * A family is a row of the table in hf_family.c. The GGUF names and the order of rows inside tensors are those of
 * llama.cpp's converter, so its files and sumi's are alike. */
#ifndef SUMI_HF_HF_FAMILY_H
#define SUMI_HF_HF_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

/* How the rows of a GGUF tensor are made from the rows of its source. */
typedef enum hf_order {
    HF_SAME,
    HF_ROPE_Q, /* in each query head, halves (x0 x1 .. y0 y1 ..) become pairs (x0 y0 x1 y1 ..), if the family rotates */
    HF_ROPE_K, /* adjacent elements (HF_PAIRS); the same for key heads */
    HF_GROUPS, /* groups of query heads, each with its key head and value head, become all queries, all keys, all values */
    HF_GROUPS_Q,   /* only the queries of such groups, as HF_ROPE_Q */
    HF_GROUPS_K,   /* their keys, as HF_ROPE_K */
    HF_GROUPS_V,   /* their values */
    HF_LATENT_K,   /* for each head, the rows that make its key from a latent, transposed (DeepSeek) */
    HF_LATENT_V,   /* the other rows, which make its value */
    HF_FIRST_HALF, /* the first half of the rows: gate and up in one tensor */
    HF_SECOND_HALF,
    HF_EVEN, /* rows 0, 2, ...: rows of gate and up alternate */
    HF_ODD,
    HF_MXFP4_EVEN, /* the same for experts in MXFP4, which have a tensor of blocks and a tensor of scales (gpt-oss) */
    HF_MXFP4_ODD,
    HF_MXFP4,
    HF_TRANSPOSED = 32, /* a flag: inputs are in front */
} hf_order;

/* The name of a module and the GGUF name of its tensors, both without ".weight" or ".bias". In hf, '*' stands for a
 * number: tensors that differ only in this number are stacked along the slowest dimension. */
typedef struct hf_name {
    const char *hf, *gguf; /* hf NULL: the end; gguf NULL: the tensor is not used */
    hf_order order;
} hf_name;

enum {
    HF_PAIRS = 1 << 0,            /* rotates adjacent elements in GGUF: see hf_order */
    HF_NORM_PLUS_1 = 1 << 1,      /* norms multiply with 1 + their weight */
    HF_LAYER_NORM = 1 << 2,       /* norms are LayerNorm, and norm_eps is theirs */
    HF_NO_ROPE = 1 << 3,          /* learned positions */
    HF_WINDOWS = 1 << 4,          /* sliding_window is used, with layer_types if it exists */
    HF_LIST_WINDOWS = 1 << 5,     /* the layers that have one are listed in the file */
    HF_WIDE_EXPERTS = 1 << 6,     /* intermediate_size is the size of experts */
    HF_WINDOW_SWITCH = 1 << 7,    /* windows are off unless use_sliding_window is true */
    HF_MAY_NORM_EXPERTS = 1 << 8, /* norm_topk_prob is read; other families always do the same */
};

struct hf_keys;

typedef struct hf_family {
    const char *classes[6];     /* "architectures" of config.json */
    const char *arch;           /* general.architecture */
    const char *layers;         /* the prefix before the number of a layer: "model.layers." */
    const hf_name *top;         /* modules outside the layers */
    const hf_name *own, *block; /* modules of a layer: own come before block; own may be NULL */
    uint32_t traits;
    int32_t window_pattern; /* with HF_WINDOWS: every n-th layer has no window; 0: all layers have one */
    /* transformers' values for settings that config.json lacks; 0 and NULL: the values of most families. */
    double norm_eps;   /* 1e-5 */
    double rope_theta; /* 10000 */
    double rotated;    /* the part of a head that rotates; 0: the whole head, and config.json has no setting for it */
    int32_t head_dim;  /* hidden_size / num_attention_heads */
    int32_t window;    /* none */
    const char *activation; /* the name of the activation; default "silu". Readers of GGUF know it by the family, so it
                               needs no key */
    void (*keys)(struct hf_keys *k); /* writes the keys that only this family has; NULL: none */
} hf_family;

/* NULL: unknown class. *is_base: the class has no output head, such as "Qwen3Model". */
const hf_family *hf_family_find(const char *class, bool *is_base);

/* By "model_type", for files without "architectures". NULL: not known. */
const hf_family *hf_family_of_type(const char *model_type);

#endif
