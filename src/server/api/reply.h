/* reply.h - how an API writes its answers: events of the engine -> bytes, whole or as a stream.
 *
 * A reply takes the events one by one; only the thread of its connection calls it. */
#ifndef SUMI_SERVER_API_REPLY_H
#define SUMI_SERVER_API_REPLY_H

#include "server/api/job_event.h"
#include "server/api/text_request.h"

typedef struct answer_format {
    const char *stream_type; /* Content-Type of a stream */
    const char *heartbeat;   /* sent into a stream that was silent for a while; NULL: nothing */
    /* Streams: appends the bytes that are sent at once, before any event. NULL: nothing. */
    void (*begin)(void *reply, buf *out);
    /* Takes an event. Streams: appends the bytes to be sent to out. */
    void (*take)(void *reply, const job_event *n, buf *out);
    /* After the last event: appends the whole object. False: there is no answer, *e says why. */
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

/* Data of answers besides the text. The strings are valid until destroy(). */
typedef struct reply_info {
    const sumi_model *model; /* for the text of tokens */
    const char *model_name;
    const char *id;  /* of the request, without an API's prefix */
    int64_t created; /* seconds since 1970 */
} reply_info;

/* Takes the contents of *request and *ids, which are empty afterwards. NULL: out of memory, and nothing was taken. */
typedef void *(*reply_create_fn)(text_request *request, text_ids *ids, const reply_info *info);

#endif
