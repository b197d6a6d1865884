/* depth.h - how many guessed tokens a step checks.
 *
 * A guessed token costs a row in the step, and gains a token if it and all guesses before it are right. So two numbers decide:
 * how often guesses were right, by the length of the match that they follow (spec_odds), and what a row costs (the engine's
 * line of step times). spec_choose() takes the guesses that raise the expected tokens per microsecond of the whole step,
 * with everybody else's tokens in it: under load a row costs more than it gains, and no token is guessed.
 *
 * A guess that was not checked is still compared with the token that came, so the odds are known without trials. */
#ifndef SUMI_SPEC_DEPTH_H
#define SUMI_SPEC_DEPTH_H

#include "sumi.h"

enum {
    SPEC_MAX_DRAFT = SUMI_MAX_DRAFT, /* guessed tokens of a sequence in a step */
    SPEC_LENGTHS = 8                 /* ranges of match lengths: 1, 2, up to 4, 8, 16, 32, 64, and more */
};

/* Guesses, weighted: older ones weigh less. Initially zero. */
typedef struct spec_odds {
    float tried[SPEC_LENGTHS], right[SPEC_LENGTHS];
} spec_odds;

/* One guessed token after a match of this length, all guesses before it being right. keep: what the weights of older ones
 * are multiplied with, 0 .. 1. */
void spec_note(spec_odds *odds, int32_t match, bool right, float keep);

/* The probability that such a token is right: from a sequence's own odds, and while these are few, from those of all. */
double spec_probability(const spec_odds *own, const spec_odds *all, int32_t match);

/* A sequence of the step with n guessed tokens. */
typedef struct spec_candidate {
    int32_t match, n;
    const spec_odds *odds;
    int32_t n_chosen; /* the result */
    double chance;    /* scratch */
} spec_candidate;

/* Chooses how many tokens of which candidates a step checks, max_rows at most. n_sure: tokens that the step gives without
 * guesses; us: how long it then takes; row_us: what a row adds. */
void spec_choose(spec_candidate *c, int32_t n_candidates, const spec_odds *all, double n_sure, double us, double row_us,
                 int32_t max_rows);

#endif
