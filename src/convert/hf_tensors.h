/* hf_tensors.h - the tensors of a Hugging Face folder as those of a GGUF file.
 *
 *   model.layers.7.self_attn.q_proj.weight  ->  blk.7.attn_q.weight, its rows in another order
 *   model.layers.7.mlp.experts.*.up_proj    ->  blk.7.ffn_up_exps.weight, one behind the other
 *
 * A tensor that is in a file as GGUF has it is used where it lies. Others are made when they are asked for, row by row, from
 * a recipe; nobody keeps them longer than he needs, so that a model takes its memory once. */
#ifndef SUMI_CONVERT_HF_TENSORS_H
#define SUMI_CONVERT_HF_TENSORS_H

#include "convert/hf_keys.h"

typedef struct hf_source {
    char name[64];           /* of the GGUF tensor; sources of one tensor stand together, in their order */
    const st_tensor *tensor; /* NULL: factors of the configuration */
    const hf_factors *factors;
    int32_t file;       /* in which tensor lies */
    int32_t layer, row; /* where the GGUF tensor stands in the file */
    int64_t index;      /* the number at the '*' of the name; -1: there is none */
    hf_order order;
} hf_source;

/* How a GGUF tensor is made of n_sources matrices [n_rows][n_cols] behind each other, after hf_order. */
typedef struct hf_recipe {
    const hf_source *sources;
    int32_t n_sources;
    dtype type, out_type;       /* of the sources, of the result */
    int64_t n_rows, n_cols;     /* of one matrix of the result; a vector has n_cols == 1 */
    int64_t src_rows, src_cols; /* of one matrix of a source */
    bool transposed, plus_1;
    int64_t pair_rows; /* > 0: rows of a head, whose halves become pairs */
    int64_t first_row; /* of the result among the rows after grouping */
    int64_t n_groups, q_rows,
        head_rows; /* n_groups > 0: groups of q_rows of queries, head_rows of keys and as many of values */
} hf_recipe;

typedef struct hf_tensors {
    hf_source *sources; /* [n_sources] */
    hf_recipe *recipes; /* [n] of tensor i of the header */
    gguf_place *places; /* [n] */
    int32_t n_sources, n;
} hf_tensors;

/* Finds the place of each tensor of the folder and describes them all in k->head. They borrow from k and its folder.
 * EUNSUPPORTED: a tensor that the family does not have, or with a type that is not known; EFORMAT: shapes that do not fit.
 * t is safe to deinit after a failure. */
SUMI_MUST_USE sumi_status hf_tensors_init(hf_tensors *t, hf_keys *k);
void hf_tensors_deinit(hf_tensors *t);

/* Rows of tensor i, as gguf_elsewhere.make. */
void hf_tensors_make(const hf_tensors *t, int64_t i, int64_t first, int64_t n, void *dst);

#endif
