/* cost.h - what a step must read and multiply at least: the yardstick for what it achieves (docs/benchmarks.md).
 *
 *   read       every matrix once, the one of logits only if a row wants them, and the keys and values that each
 *              sequence's newest token sees, once; of experts those that a token of the step chose, which only the
 *              backend can count (expert_bytes in backend.h)
 *   multiplied every weight with every token, but for those of experts that it did not choose; weights of the output
 *              matrix with every wanted row
 *
 * Norms, rotations, attention's products and the embedding's rows are left out: in a model of any size they are small
 * beside the matrices, until contexts grow to thousands of tokens. */
#ifndef SUMI_MODEL_COST_H
#define SUMI_MODEL_COST_H

#include "model/model.h"

/* A set of matrices. Weights are counted by the form of the input that they are multiplied with. */
typedef struct matrix_cost {
    uint64_t bytes; /* as the products read them: packed, where the backend packs */
    uint64_t n_int8, n_f32;
} matrix_cost;

typedef struct model_cost {
    matrix_cost layers;  /* of every token */
    matrix_cost experts; /* those that one token chooses in all layers; any two cost the same */
    matrix_cost output;  /* of every row of logits */
} model_cost;

model_cost model_cost_of(const model *m);

/* Bytes of keys and values that a token reads in all layers; n_seen counts itself and the tokens before it. */
uint64_t model_kv_bytes(const model *m, int64_t n_seen);

#endif
