/* responses_reply.h - an answer as OpenAI's responses API defines it: a response, or a stream of its events.
 *
 *   created, in_progress, output_item.added, content_part.added           at once
 *   output_text.delta ...                                                 text
 *   output_text.done, content_part.done, output_item.done, completed the end; `incomplete` if the answer was cut failed
 *   instead of that line */
#ifndef SUMI_SERVER_API_OPENAI_RESPONSES_REPLY_H
#define SUMI_SERVER_API_OPENAI_RESPONSES_REPLY_H

#include "server/api/reply.h"

void *responses_reply_create(text_request *request, text_ids *ids, const reply_info *info);
extern const answer_format responses_format;

#endif
