/* ollama_reply.h - an answer as Ollama's API defines it: one object, or a stream with an object on each line; the last
 * object has "done": true and the numbers. */
#ifndef SUMI_SERVER_API_OLLAMA_OLLAMA_REPLY_H
#define SUMI_SERVER_API_OLLAMA_OLLAMA_REPLY_H

#include "server/api/reply.h"

void *ollama_chat_reply_create(text_request *request, text_ids *ids, const reply_info *info);
void *ollama_generate_reply_create(text_request *request, text_ids *ids, const reply_info *info);
extern const answer_format ollama_format;

#endif
