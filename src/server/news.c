/* news.c - see news.h. */
#include "server/news.h"

#include <stdlib.h>
#include <string.h>

news *news_copy(const sumi_event *e, int32_t part, int32_t n_top)
{
    bool stopped = e->type == SUMI_EVENT_CHOICE && e->stop;
    const char *text = e->type == SUMI_EVENT_END ? e->error.message : stopped ? e->stop : e->piece.text;
    size_t n_text = e->type == SUMI_EVENT_END || stopped ? strlen(text) : e->piece.n_bytes;
    size_t n_tokens = (size_t)e->piece.n_choices,
           n_alternatives = e->piece.top ? n_tokens * (size_t)n_top : 0;
    size_t n_choices = n_tokens + n_alternatives;
    size_t n_floats = (size_t)e->n_embd, n_ranks = e->ranks ? n_tokens : 0;
    news *n = malloc(sizeof *n + n_choices * sizeof(sumi_choice) + n_floats * sizeof(float) +
                     n_ranks * sizeof(int32_t) + n_text + 1);
    if (!n) return NULL;
    sumi_choice *choices = (sumi_choice *)(n + 1);
    float *floats = (float *)(choices + n_choices);
    int32_t *ranks = (int32_t *)(floats + n_floats);
    char *copy = (char *)(ranks + n_ranks);
    if (n_tokens) memcpy(choices, e->piece.choices, n_tokens * sizeof *choices);
    if (n_alternatives) memcpy(choices + n_tokens, e->piece.top, n_alternatives * sizeof *choices);
    if (n_floats) memcpy(floats, e->embedding, n_floats * sizeof *floats);
    if (n_ranks) memcpy(ranks, e->ranks, n_ranks * sizeof *ranks);
    if (n_text) memcpy(copy, text, n_text);
    copy[n_text] = '\0';
    *n = (news){ .part = part,
                 .type = e->type,
                 .choice = e->choice,
                 .finish = e->finish,
                 .limit = e->limit,
                 .first = e->first,
                 .tokens = choices,
                 .top = choices + n_tokens,
                 .ranks = ranks,
                 .n_tokens = (int32_t)n_tokens,
                 .n_top = n_alternatives ? n_top : 0,
                 .text = copy,
                 .n_bytes = n_text,
                 .stopped = stopped,
                 .embedding = floats,
                 .n_embd = e->n_embd,
                 .usage = e->usage,
                 .time_ms = e->time_ms };
    return n;
}
