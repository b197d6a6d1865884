/* truncate.h - the candidates for the next token, and the rules that cut the list of them.
 *
 * Candidates are always in the order of their ids. A rule finds the last candidate that it keeps in the rule's order (by
 * probability, by surprise), and one pass drops the later ones in place. Nothing is ever sorted. The order by id also
 * makes the draw robust: a tiny change of a logit moves the borders of the draw by a tiny amount, while a draw over a
 * sorted list would jump when two near-equal tokens change places.
 *
 *   rule       keeps                                                            source
 *   top-k      the k most probable                                              Fan et al. 2018
 *   typical    the smallest set of mass p whose surprise is nearest to the      Meister et al. 2022
 *              entropy of the distribution
 *   top-p      the smallest set of most probable tokens with mass p (nucleus)   Holtzman et al. 2019
 *   min-p      tokens with at least p times the best one's probability          Nguyen et al. 2024
 *
 * Each rule works on the candidates that the rules before it kept, renormalised, and keeps at least one token. Ties: lower
 * id. */
#ifndef SUMI_SAMPLE_TRUNCATE_H
#define SUMI_SAMPLE_TRUNCATE_H

#include "sample/row.h"
#include "sumi.h"

typedef struct candidates {
    int32_t n, cap;
    void *memory;   /* all of the arrays, mapped: pages that no candidate needed cost nothing */
    int32_t *ids;   /* [cap], rising */
    float *x;       /* [cap] (logit - max) / temperature, <= 0 */
    float *w;       /* [cap] exp(x), not normalised */
    uint64_t *keys; /* [cap] scratch: the order of a rule, smallest first */
} candidates;

/* Memory for cap candidates; SUMI_ENOMEM (without a message: the caller adds one). */
SUMI_MUST_USE sumi_status candidates_init(candidates *c, int32_t cap);
void candidates_deinit(candidates *c);

/* Fills c with every id whose logit is > bound, or == bound with id <= last_tie. x holds plain logits after this. */
void candidates_collect(candidates *c, const row *r, float bound, int32_t last_tie);

double candidates_mass(const candidates *c); /* sum of w */

void truncate_top_k(candidates *c, int32_t k);
void truncate_typical(candidates *c, double p);
/* total: the kept set must have the share p of this mass. It is at least the mass of c, because c may lack improbable
 * candidates. */
void truncate_top_p(candidates *c, double p, double total);
void truncate_min_p(candidates *c, float p);

#endif
