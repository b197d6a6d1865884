/* openai_reply.h - events of the engine -> JSON as the OpenAI API defines it, whole or as a stream of events.
 *
 * A stream gets its chunks at once ("data: {...}\n\n", and at the end "data: [DONE]\n\n"); otherwise texts and
 * log-probabilities collect. Choice c of prompt p has the index p * n + c. */
#ifndef SUMI_SERVER_API_OPENAI_OPENAI_REPLY_H
#define SUMI_SERVER_API_OPENAI_OPENAI_REPLY_H

#include "server/api/reply.h"

void *openai_reply_create(text_request *request, text_ids *ids, const reply_info *info);
extern const answer_format openai_format;

#endif
