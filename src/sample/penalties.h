/* penalties.h - makes tokens that were seen less probable.
 *
 *   seen   (id, count), rising ids   how often each id is among the counted tokens: memory for seen tokens only, not for
 *                                    the vocabulary
 *   ring   [last_n]                  the counted tokens, oldest first from `oldest`, if only the last last_n count
 *
 * Repetition penalty (Keskar et al. 2019, CTRL): a positive logit is divided, a negative one multiplied. Frequency
 * and presence penalties (OpenAI's API): subtracted for each time, and once. */
#ifndef SUMI_SAMPLE_PENALTIES_H
#define SUMI_SAMPLE_PENALTIES_H

#include "sumi.h"

typedef struct seen_token {
    int32_t id, count;
} seen_token;

typedef struct penalties {
    int32_t n_vocab, n_seen, max_seen;
    seen_token *seen; /* [max_seen], mapped: pages come as they are used */
    int32_t *ring;    /* NULL: all tokens count */
    int32_t last_n, n_ring, oldest;
} penalties;

/* last_n as in sumi_sampling, not 0. SUMI_ENOMEM without a message. */
SUMI_MUST_USE sumi_status penalties_init(penalties *p, int32_t n_vocab, int32_t last_n);
void penalties_deinit(penalties *p);

void penalties_accept(penalties *p, const int32_t *ids, int32_t n_ids); /* ids outside the vocabulary are ignored */

/* The logit x of a token that was seen count >= 1 times. */
float penalised(float x, int32_t count, const sumi_sampling *params);

#endif
