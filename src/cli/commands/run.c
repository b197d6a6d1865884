/* run.c - see run.h. */
#include "cli/commands/run.h"

#include <sys/random.h>

sumi_status run_render(const session *s, const sumi_message *messages, int32_t n_messages, int32_t **ids,
                       int32_t *n_ids, sumi_error *err)
{
    char *text;
    size_t n_bytes;
    *ids = NULL;
    *n_ids = 0;
    sumi_status st = sumi_chat_format(s->model, messages, n_messages, true, &text, &n_bytes, err);
    if (st != SUMI_OK) return st;
    st = sumi_tokenize(s->model, text, n_bytes, SUMI_TOKENIZE_SPECIAL, ids, n_ids, err);
    sumi_free(text);
    return st;
}

uint64_t run_new_seed(void)
{
    uint32_t seed = 0; /* short enough to be typed again */
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) return 0;
    return seed;
}
