/* nearest.c - see nearest.h. */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { MAX_WORD = 63, MIN_PREFIX = 3 };

static int min(int a, int b)
{
    return a < b ? a : b;
}

int nearest_distance(const char *a, const char *b)
{
    int rows[3][MAX_WORD + 1]; /* of the table distance[i][j] of a's first i and b's first j bytes: the last three */
    int n_a = (int)strnlen(a, MAX_WORD), n_b = (int)strnlen(b, MAX_WORD);
    int *older = rows[0], *old = rows[1], *now = rows[2];
    for (int j = 0; j <= n_b; j++) old[j] = j;
    for (int i = 1; i <= n_a; i++) {
        now[0] = i;
        for (int j = 1; j <= n_b; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = min(min(old[j], now[j - 1]) + 1, old[j - 1] + (x != y));
            bool exchanged = i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                             y == tolower((unsigned char)a[i - 2]);
            if (exchanged) now[j] = min(now[j], older[j - 2] + 1);
        }
        int *free_row = older;
        older = old;
        old = now;
        now = free_row;
    }
    return old[n_b];
}

void nearest_try(nearest *n, const char *word)
{
    size_t n_to = strlen(n->to), n_word = strlen(word), longer = n_to > n_word ? n_to : n_word;
    bool begins = n_to >= MIN_PREFIX && n_word > n_to && !strncasecmp(n->to, word, n_to);
    int distance = begins ? 0 : nearest_distance(n->to, word);
    if (longer > MAX_WORD || distance > (int)longer / 3) return;
    if (n->best && distance >= n->distance) return;
    n->best = word;
    n->distance = distance;
}
