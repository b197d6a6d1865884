/* draft.c - see draft.h. */
#include "engine/requests/draft.h"

/* Tokens of a text that are added in one step: a fraction of a millisecond. */
#define MOST_AT_ONCE 512

/* Weights of older guesses: a text changes within some dozen tokens, what all texts have in common within thousands. */
#define KEEP_OWN 0.95f
#define KEEP_ALL 0.9995f

void draft_deinit(draft *d)
{
    own_text_destroy(d->text);
}

bool draft_catch_up(draft *d, int32_t n_known, int32_t (*token)(const void *user, int32_t pos), const void *user)
{
    if (!d->failed && !d->text) d->failed = (d->text = own_text_create()) == NULL;
    if (d->failed) return false;
    int32_t n = own_text_len(d->text), end = n_known - n > MOST_AT_ONCE ? n + MOST_AT_ONCE : n_known;
    for (; n < end && !d->failed; n++) d->failed = !own_text_add(d->text, token(user, n));
    return !d->failed && n == n_known;
}

void draft_guess(draft *d, int32_t max)
{
    d->n_used = 0;
    d->match = own_text_match(d->text);
    d->n = max > 0 ? own_text_guess(d->text, d->guess, max < SPEC_MAX_DRAFT ? max : SPEC_MAX_DRAFT) : 0;
}

void draft_note(draft *d, spec_odds *all, const sumi_choice *drawn, int32_t n)
{
    bool right = true;
    for (int32_t i = 0; right && i < n && i < d->n; i++) {
        right = drawn[i].id == d->guess[i];
        spec_note(&d->odds, d->match + i, right, KEEP_OWN);
        spec_note(all, d->match + i, right, KEEP_ALL);
    }
    d->n = d->n_used = 0;
}
