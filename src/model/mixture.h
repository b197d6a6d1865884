/* mixture.h - the experts of a layer. */
#ifndef SUMI_MODEL_MIXTURE_H
#define SUMI_MODEL_MIXTURE_H

#include "backend/backend.h"

/* Replaces, or is added to, the feed-forward sub-layer that all tokens pass through. n is the number of experts. */
typedef struct mixture {
    weight *w_router; /* [n][n_embd]; NULL: the layer has no experts */
    float *b_router;  /* [n] */
    router router;    /* its choice_bias belongs to the mixture */
    int32_t n_ff;
    weight **w_gate, **w_up, **w_down; /* [n] of [n_ff][n_embd] x2, [n_embd][n_ff]; w_gate NULL: no gate */
    float *b_gate, *b_up, *b_down;     /* [n][n_ff] x2, [n][n_embd]; NULL: none */
    weight *w_shared;                  /* [1][n_embd] gives the factor on the shared expert; NULL: 1 */
} mixture;

void mixture_destroy(const backend *be, mixture *x);

#endif
