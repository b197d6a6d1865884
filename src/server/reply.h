/* reply.h - how an API writes its answers: news of the engine -> bytes, whole or as a stream.
 *
 * A reply takes the news one by one; only the thread of its connection calls it. */
#ifndef SUMI_SERVER_REPLY_H
#define SUMI_SERVER_REPLY_H

#include "server/news.h"
#include "server/text_request.h"

typedef struct answer_format {
    const char *stream_type; /* Content-Type of a stream */
    const char *heartbeat;   /* sent into a stream that has been silent for long; NULL: nothing */
    /* Streams: appends what is sent at once, before any news. NULL: nothing. */
    void (*begin)(void *reply, buf *out);
    /* Appends to out what a stream is to be sent now; without stream, nothing. */
    void (*take)(void *reply, const news *n, buf *out);
    /* After the last news: the whole object. False: there is no answer, *e says why. */
    bool (*whole)(void *reply, buf *out, api_error *e);
    void (*destroy)(void *reply);
} answer_format;

/* The tokens of each prompt. */
typedef struct text_ids {
    int32_t **ids, *n_ids; /* [n] */
    int32_t n;
} text_ids;

SUMI_MUST_USE bool text_ids_init(text_ids *p, int32_t max); /* empty, with room; false: out of memory */
void text_ids_deinit(text_ids *p);                          /* zeroed is fine; leaves it empty */

/* What answers show beside the text. The strings outlive the reply's last call but destroy(). */
typedef struct reply_info {
    const sumi_model *model; /* for the text of tokens */
    const char *model_name;
    const char *id;  /* of the request, without an API's prefix */
    int64_t created; /* seconds since 1970 */
} reply_info;

/* Takes the contents of *request and *ids, which are empty after. NULL: out of memory, and nothing was taken. */
typedef void *(*reply_create_fn)(text_request *request, text_ids *ids, const reply_info *info);

#endif
