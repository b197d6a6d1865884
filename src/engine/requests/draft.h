/* draft.h - the guessed tokens of one choice: from its own text, checked by the model in the step that computes its newest
 * token.
 *
 *   text      ... the cat sat on the mat . the cat        known
 *   guess                                          sat on the mat .
 *   step                                       cat sat on the          n_used = 3: their rows are computed with "cat"
 *   drawn                                          sat in              1 of 3 was right; its keys and values are kept
 *
 * The choice draws from the rows one by one, as it would without guesses (choice_next()), until a guess is not what was drawn.
 * So guesses change how many tokens a step gives, never which. */
#ifndef SUMI_ENGINE_REQUESTS_DRAFT_H
#define SUMI_ENGINE_REQUESTS_DRAFT_H

#include "spec/depth.h"
#include "spec/own_text.h"

/* Initially zero. */
typedef struct draft {
    own_text *text; /* NULL: not yet, or out of memory */
    bool failed;    /* out of memory: no further guesses */
    spec_odds odds;
    int32_t match, n, n_used; /* of the guess for this step; its first n_used tokens are part of the step */
    int32_t guess[SPEC_MAX_DRAFT];
    sumi_status drawn; /* how the drawing of this step's tokens ended; error: why it failed */
    sumi_error error;
} draft;

void draft_deinit(draft *d);

/* Adds known tokens, the one at position pos first. At most so many that others do not wait for it. token(user, pos) gives
 * a token. True: the text is complete up to n_known. */
bool draft_catch_up(draft *d, int32_t n_known, int32_t (*token)(const void *user, int32_t pos), const void *user);

/* Guesses up to max tokens. */
void draft_guess(draft *d, int32_t max);

/* n tokens were drawn: notes which guesses were right, for this choice and for all. */
void draft_note(draft *d, spec_odds *all, const sumi_choice *drawn, int32_t n);

#endif
