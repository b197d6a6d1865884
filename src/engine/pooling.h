/* pooling.h - the hidden states of a text -> its embedding.
 *
 * States come in the order of their tokens, in as many portions as there are steps. Sums are in double, one token after
 * the other, and never regrouped: so an embedding is the same bit for bit however its text was cut. */
#ifndef SUMI_ENGINE_POOLING_H
#define SUMI_ENGINE_POOLING_H

#include "sumi.h"

typedef struct pooling {
    sumi_pooling kind;
    int32_t n_embd;
    int32_t n;   /* tokens that it has taken; LAST: 1 at most */
    double *sum; /* [n_embd] over the tokens taken; LAST: the last one */
    float *out;  /* [n_embd] */
} pooling;

/* kind is not NONE. ENOMEM. */
SUMI_MUST_USE sumi_status pooling_init(pooling *p, sumi_pooling kind, int32_t n_embd, sumi_error *err);
void pooling_deinit(pooling *p); /* zeroed is fine */

void pooling_add(pooling *p,
                 const float *hidden); /* [n_embd] of the next token; LAST: of the last one, once */

/* p->out: the embedding, of length 1 unless raw. At least one token was taken. ENUMERIC: it is not finite, or it is 0
 * and has no direction. */
SUMI_MUST_USE sumi_status pooling_finish(pooling *p, bool raw, sumi_error *err);

#endif
