/* hf_tensors.h - the tensors of a Hugging Face folder as those of a GGUF file.
 *
 *   model.layers.7.self_attn.q_proj.weight  ->  blk.7.attn_q.weight, its rows in another order
 *   model.layers.7.mlp.experts.*.up_proj    ->  blk.7.ffn_up_exps.weight, one behind the other
 *
 * A tensor that has the form of GGUF in its file is used from there. Other tensors are made on request, row by row, from a
 * recipe. Made rows are freed after their use, so a model takes its memory once. */
#ifndef SUMI_HF_HF_TENSORS_H
#define SUMI_HF_HF_TENSORS_H

#include "format/described_source.h"
#include "hf/hf_recipe.h"

typedef struct hf_tensors {
    hf_source *sources;      /* [n_sources] */
    hf_recipe *recipes;      /* [n] of tensor i of the header */
    described_place *places; /* [n] */
    const st_tensor **shown; /* [n_shown] tensors that are used from their files unchanged, sorted by address */
    int32_t n_sources, n, n_shown;
} hf_tensors;

/* Finds the place of each tensor of the folder and describes all tensors in k->head. t borrows from k and its folder.
 * EUNSUPPORTED: a tensor that the family does not have, or of an unknown type; EFORMAT: shapes that do not fit. t is safe
 * to deinit after a failure. */
SUMI_MUST_USE sumi_status hf_tensors_init(hf_tensors *t, hf_keys *k);
void hf_tensors_deinit(hf_tensors *t);

/* Whether a tensor other than number i uses the bytes of `tensor` unchanged, so that they must stay in memory. */
bool hf_tensors_shows(const hf_tensors *t, const st_tensor *tensor, int64_t i);

#endif
