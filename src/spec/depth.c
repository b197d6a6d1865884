/* depth.c - see depth.h.
 *
 * The choice is greedy. A sequence's next guessed token adds its probability P (the product of those so far) to the expected
 * tokens E, and row_us to the time T; P falls from token to token. E / T grows by it exactly if P / row_us > E / T. So the
 * tokens are taken in the order of P, until one does not raise E / T: then no later one does either. */
#include "spec/depth.h"

/* Guesses of this weight are assumed before the first one: these shares of them were right, by the length of the match. */
#define ASSUMED 2
static const float assumed_right[SPEC_LENGTHS] = { 0.1f, 0.3f, 0.45f, 0.6f, 0.7f, 0.8f, 0.9f, 0.95f };
#define COMMON 4 /* the weight of all sequences' odds beside a sequence's own */

static int32_t range_of(int32_t match)
{
    int32_t i = 0;
    while (i < SPEC_LENGTHS - 1 && match > 1 << i) i++;
    return i;
}

void spec_note(spec_odds *odds, int32_t match, bool right, float keep)
{
    int32_t i = range_of(match);
    odds->tried[i] = keep * odds->tried[i] + 1;
    odds->right[i] = keep * odds->right[i] + (right ? 1.0f : 0.0f);
}

double spec_probability(const spec_odds *own, const spec_odds *all, int32_t match)
{
    int32_t i = range_of(match);
    double common = ((double)all->right[i] + ASSUMED * (double)assumed_right[i]) / ((double)all->tried[i] + ASSUMED);
    return ((double)own->right[i] + COMMON * common) / ((double)own->tried[i] + COMMON);
}

/* The probability that the next guessed token of c and all before it are right; 0: there is none. */
static void find_chance(spec_candidate *c, const spec_odds *all)
{
    c->chance *= c->n_chosen < c->n ? spec_probability(c->odds, all, c->match + c->n_chosen) : 0;
}

void spec_choose(spec_candidate *c, int32_t n_candidates, const spec_odds *all, double n_sure, double us, double row_us,
                 int32_t max_rows)
{
    for (int32_t i = 0; i < n_candidates; i++) {
        c[i].n_chosen = 0;
        c[i].chance = 1;
        find_chance(&c[i], all);
    }
    for (; max_rows > 0; max_rows--) {
        spec_candidate *best = NULL;
        for (int32_t i = 0; i < n_candidates; i++)
            if (!best || c[i].chance > best->chance) best = &c[i];
        if (!best || best->chance <= 0 || best->chance * us <= row_us * n_sure) return;
        best->n_chosen++;
        n_sure += best->chance;
        us += row_us;
        find_chance(best, all);
    }
}
