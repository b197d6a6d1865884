/* pooling.h - the hidden states of a text -> its embedding.
 *
 * States are added in the order of their tokens, step by step. Sums are in double, one token after the other, and never
 * regrouped. So an embedding has the same bits however its text is split into steps. */
#ifndef SUMI_ENGINE_POOLING_H
#define SUMI_ENGINE_POOLING_H

#include "sumi.h"

typedef struct pooling {
    sumi_pooling kind;
    int32_t n_embd;
    int32_t n;   /* tokens added so far; LAST, CLS: 1 at most */
    double *sum; /* [n_embd] over the added tokens */
    float *out;  /* [n_embd] */
} pooling;

/* "mean", "last" or "cls". False: none of them. */
SUMI_MUST_USE bool pooling_named(const char *name, sumi_pooling *out);

/* kind; if kind is NONE, the pooling of the model's file; if the file does not say, the mean. */
sumi_pooling pooling_or_default(sumi_pooling kind, const sumi_model *model);

/* Cuts a text to n_ctx tokens; if it ended with the model's EOS, the cut text does, too. Returns its length. */
int32_t pooling_truncate(const sumi_model *model, int32_t *ids, int32_t n_ids, int32_t n_ctx);

/* EINVAL: not a pooling, or not possible with this kind of model. */
SUMI_MUST_USE sumi_status pooling_check(sumi_pooling kind, bool is_encoder, sumi_error *err);

/* The rows that a span of a text must give; the span is the text's first, its last, or both. */
sumi_want pooling_want(sumi_pooling kind, bool first, bool last);

/* kind has passed pooling_check(). ENOMEM. */
SUMI_MUST_USE sumi_status pooling_init(pooling *p, sumi_pooling kind, int32_t n_embd, sumi_error *err);
void pooling_deinit(pooling *p); /* zeroed is fine */

void pooling_add(pooling *p, const float *hidden); /* [n_embd] of the next token; LAST, CLS: of the one token, once */

/* p->out: the embedding, of length 1 unless raw. At least one token was added. ENUMERIC: the sum is not finite, or is 0
 * and has no direction. */
SUMI_MUST_USE sumi_status pooling_finish(pooling *p, bool raw, sumi_error *err);

#endif
