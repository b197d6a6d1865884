/* event_copy.c - see event_copy.h. */
#include "engine/requests/event_copy.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 8, MAX_PARTS = 7 };

static size_t aligned(size_t n_bytes)
{
    return (n_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* Copies n_bytes to *at and moves on; NULL stays NULL. */
static void *put(char **at, const void *data, size_t n_bytes)
{
    if (!data) return NULL;
    void *copy = *at;
    memcpy(copy, data, n_bytes);
    *at += aligned(n_bytes);
    return copy;
}

void *event_copy(sumi_event *e, int32_t n_logprobs, size_t head_bytes)
{
    const sumi_piece *p = &e->piece;
    size_t n_tokens = (size_t)p->n_choices, n_choices = n_tokens * sizeof *p->choices;
    size_t n_top = p->top ? n_choices * (size_t)n_logprobs : 0, n_ranks = n_tokens * sizeof *e->ranks;
    size_t n_embedding = (size_t)e->n_embd * sizeof *e->embedding, n_stop = e->stop ? strlen(e->stop) + 1 : 0;
    size_t n_text = p->text ? p->n_bytes : 0;
    char *memory = malloc(head_bytes + n_choices + n_top + n_ranks + n_embedding + n_stop + n_text + 1 +
                          MAX_PARTS * ALIGNMENT); /* each part may be followed by a gap */
    if (!memory) return NULL;
    char *at = memory + aligned(head_bytes);
    e->piece.choices = put(&at, p->choices, n_choices);
    e->piece.top = put(&at, p->top, n_top);
    e->ranks = put(&at, e->ranks, n_ranks);
    e->embedding = put(&at, e->embedding, n_embedding);
    e->stop = put(&at, e->stop, n_stop);
    if (n_text) memcpy(at, p->text, n_text);
    at[n_text] = '\0';
    e->piece.text = at;
    return memory;
}
