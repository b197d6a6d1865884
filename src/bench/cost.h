/* cost.h - the minimum of bytes and multiplications of a step; measurements are compared with it (docs/benchmarks.md).
 *
 *   read       every matrix once, the output matrix only if a row needs logits, and the keys and values that each
 *              sequence's newest token sees, once; of experts only the ones that a token of the step chose, which only the
 *              backend can count (expert_bytes in backend.h)
 *   multiplied every weight with every token, except weights of experts that the token did not choose; the output
 *              matrix's weights with every row that needs logits
 *
 * Norms, rotations, attention's products and the embedding's rows are not counted: in a model of any size they are small
 * compared with the matrices, until contexts grow to thousands of tokens. */
#ifndef SUMI_BENCH_COST_H
#define SUMI_BENCH_COST_H

#include "model/model.h"

/* A set of matrices. Weights are counted by the form of the input that they are multiplied with. */
typedef struct matrix_cost {
    uint64_t bytes; /* as the products read the weights: packed, if the backend packs */
    uint64_t n_int8, n_f32;
} matrix_cost;

typedef struct model_cost {
    matrix_cost layers;  /* of every token */
    matrix_cost experts; /* the experts that one token chooses in all layers; all experts cost the same */
    matrix_cost output;  /* of every row of logits */
} model_cost;

model_cost model_cost_of(const model *m);

/* Bytes of keys and values that a token reads in all layers; n_seen counts the token and the tokens before it. */
uint64_t model_kv_bytes(const model *m, int64_t n_seen);

#endif
