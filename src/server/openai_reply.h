/* openai_reply.h - what the engine tells -> JSON as the OpenAI API defines it, whole or as a stream of events.
 *
 * A reply takes the news one by one. A stream gets its chunks at once ("data: {...}\n\n", and at the end
 * "data: [DONE]\n\n"); otherwise texts and log-probabilities collect, and openai_reply_whole() writes the object.
 * Choice c of prompt p has the index p * n + c. Threads: one at a time. */
#ifndef SUMI_SERVER_OPENAI_REPLY_H
#define SUMI_SERVER_OPENAI_REPLY_H

#include "server/news.h"
#include "server/openai_request.h"

typedef struct openai_reply openai_reply;

typedef struct openai_reply_info {
    const sumi_model *model; /* for the text of tokens */
    const char *model_name;
    const char *id;  /* "chatcmpl-..." */
    int64_t created; /* seconds since 1970 */
} openai_reply_info;

/* Takes the contents of *request, which is empty after; the strings of info must outlive the reply. prompt_ids: the ids
 * of each prompt, which become the reply's too. NULL: out of memory, and nothing was taken. */
openai_reply *openai_reply_create(openai_request *request, int32_t **prompt_ids, const int32_t *n_prompt_ids,
                                  const openai_reply_info *info);
void openai_reply_destroy(openai_reply *r); /* NULL is fine */

/* Appends to out what a stream is to be sent now; without stream, nothing. */
void openai_reply_take(openai_reply *r, const news *n, buf *out);

/* After the last news: the whole object. False: there is no answer, *e says why. */
SUMI_MUST_USE bool openai_reply_whole(openai_reply *r, buf *out, api_error *e);

#endif
