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
    int32_t n;   /* tokens that it has taken; LAST, CLS: 1 at most */
    double *sum; /* [n_embd] over the tokens taken */
    float *out;  /* [n_embd] */
} pooling;

/* "mean", "last" or "cls". False: none of them. */
SUMI_MUST_USE bool pooling_named(const char *name, sumi_pooling *out);

/* kind, or, if that is NONE, what the model's file says; else the mean. */
sumi_pooling pooling_or_default(sumi_pooling kind, const sumi_model *model);

/* Cuts a text to n_ctx tokens; one that ends with the model's EOS does so afterwards. Returns its length. */
int32_t pooling_truncate(const sumi_model *model, int32_t *ids, int32_t n_ids, int32_t n_ctx);

/* EINVAL: no pooling, or one that a model of this kind does not have. */
SUMI_MUST_USE sumi_status pooling_check(sumi_pooling kind, bool is_encoder, sumi_error *err);

/* What a span of a text has to give; it is the text's first one, its last, or both. */
sumi_want pooling_want(sumi_pooling kind, bool first, bool last);

/* kind has passed pooling_check(). ENOMEM. */
SUMI_MUST_USE sumi_status pooling_init(pooling *p, sumi_pooling kind, int32_t n_embd, sumi_error *err);
void pooling_deinit(pooling *p); /* zeroed is fine */

void pooling_add(pooling *p,
                 const float *hidden); /* [n_embd] of the next token; LAST, CLS: of that one, once */

/* p->out: the embedding, of length 1 unless raw. At least one token was taken. ENUMERIC: it is not finite, or it is 0
 * and has no direction. */
SUMI_MUST_USE sumi_status pooling_finish(pooling *p, bool raw, sumi_error *err);

#endif
