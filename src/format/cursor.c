/* cursor.c - see cursor.h. */
#include "format/cursor.h"

/* Vocabularies take up to some tens of megabytes; skipped bytes take memory, too. */
#define MAX_FETCHED ((size_t)1 << 30)
#define STEP        ((size_t)1 << 20)

bool cursor_fetch(cursor *c, size_t end)
{
    size_t n = (end + STEP - 1) / STEP * STEP;
    if (end > MAX_FETCHED) return false;
    if (n > c->n) n = c->n;
    if (file_bytes_fetch(c->file, c->n_ready, n - c->n_ready, NULL) != SUMI_OK) return false;
    c->n_ready = n;
    return true;
}
