/* nearest.h - "did you mean": the known word that a mistyped one is nearest to. */
#ifndef SUMI_BASE_NEAREST_H
#define SUMI_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* How many characters must be inserted, removed, replaced or exchanged with their neighbour to turn a into b (optimal
 * string alignment; Wagner & Fischer 1974, Damerau 1964). Case does not count. Only the first 63 bytes are compared. */
int nearest_distance(const char *a, const char *b);

/* The best word so far: {.to = what was typed}. */
typedef struct nearest {
    const char *to, *best; /* best NULL: none */
    int distance;
} nearest;

/* Looks at one more known word, which must outlive n. It counts if a third of its characters or less are wrong, or if
 * `to` is its beginning (three characters or more). */
void nearest_try(nearest *n, const char *word);

#endif
