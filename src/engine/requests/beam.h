/* beam.h - beam search: keeps the few best continuations of a prompt, by the sum of their log-probabilities.
 *
 * In each step every live hypothesis is extended by every token. The best extensions that do not end are the survivors: one
 * hypothesis may have several survivors and another none (the engine forks and drops their sequences). An extension that
 * ends and is among the best `width` becomes a finished hypothesis, with the score  sum / length ^ length_penalty , its end
 * token counted; the best `width` finished hypotheses are kept. The search is over when
 *   - width have finished, with early_stopping; or
 *   - width have finished, and no live hypothesis would beat the worst of them if it ended here; or
 *   - the length is used up: then the best live hypotheses count as finished.
 * transformers' generate(num_beams=...) does the same with early_stopping True and False (transformers 5,
 * generation/utils.py), except that sums are in double here. Deterministic: of equal extensions the lower hypothesis, and
 * then the lower token, wins.
 *
 * Live hypothesis i belongs to sequence i of the request. */
#ifndef SUMI_ENGINE_REQUESTS_BEAM_H
#define SUMI_ENGINE_REQUESTS_BEAM_H

#include "engine/schedule.h"
#include "sumi.h"

typedef struct hypothesis {
    sumi_choice *tokens; /* [n] */
    int32_t n, cap;
    double sum;   /* of their log-probabilities */
    double score; /* of a finished one */
} hypothesis;

typedef struct beam_search {
    int32_t width;
    double length_penalty;
    bool early_stopping, ignore_eos;
    int32_t min_tokens, max_tokens; /* max > 0 */
    const int32_t *end_ids;         /* [n_end_ids] */
    int32_t n_end_ids, n_vocab;
    hypothesis live[SCHED_MAX_SEQS];     /* by sequence */
    hypothesis done[SCHED_MAX_SEQS + 1]; /* [n_done] best first; one more place for inserting */
    int32_t n_done;
    sumi_choice *top; /* [n_top] scratch */
    int32_t n_top;
} beam_search;

/* A survivor: a live hypothesis of the next step. */
typedef struct beam_survivor {
    int32_t parent;
    sumi_choice token;
    double sum;
} beam_survivor;

/* Initialises all fields that are not parameters. ENOMEM. */
SUMI_MUST_USE sumi_status beam_init(beam_search *b, sumi_error *err);
void beam_deinit(beam_search *b);

/* One step. rows[i]: logits after live hypothesis i, NULL: there is none. Writes the survivors, best first, and moves
 * hypotheses that end to `done`. *over: the search has ended, and there are no survivors. ENUMERIC, ENOMEM. */
SUMI_MUST_USE sumi_status beam_step(beam_search *b, const float *const *rows, beam_survivor *survivors,
                                    int32_t *n_survivors, bool *over, sumi_error *err);

SUMI_MUST_USE bool beam_copy(beam_search *b, int32_t from, int32_t to); /* live[to] = live[from]; false: no memory */
SUMI_MUST_USE bool beam_extend(beam_search *b, int32_t i, const beam_survivor *survivor);

#endif
