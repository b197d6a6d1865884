/* nearest.h - "did you mean": finds the known word that is nearest to a mistyped word. */
#ifndef SUMI_BASE_NEAREST_H
#define SUMI_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* How many characters must be inserted, removed, replaced or swapped with their neighbour to change a into b (optimal
 * string alignment; Wagner & Fischer 1974, Damerau 1964). Case does not count. Only the first 63 bytes are compared. */
int nearest_distance(const char *a, const char *b);

/* The best word so far. Initialise with {.to = the typed word}. */
typedef struct nearest {
    const char *to, *best; /* best NULL: none */
    int distance;
} nearest;

/* Tries one more known word, which must outlive n. The word is accepted if at most a third of its characters are wrong, or
 * if `to` is its beginning (three characters or more). */
void nearest_try(nearest *n, const char *word);

#endif
