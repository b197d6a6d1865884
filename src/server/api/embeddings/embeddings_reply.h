/* embeddings_reply.h - vectors -> JSON, in the form of the OpenAI API or of Ollama's two endpoints. Never a stream. */
#ifndef SUMI_SERVER_API_EMBEDDINGS_EMBEDDINGS_REPLY_H
#define SUMI_SERVER_API_EMBEDDINGS_EMBEDDINGS_REPLY_H

#include "server/api/reply.h"

/* {"object":"list","data":[{"object":"embedding","index":0,"embedding":[..]}],"model":..,"usage":{..}}. With base64 a
 * vector is the base64 text of its floats, little-endian. */
void *embeddings_reply_create(text_request *request, text_ids *ids, const reply_info *info);
/* {"model":..,"embeddings":[[..]],"total_duration":..,"load_duration":..,"prompt_eval_count":..} */
void *embeddings_ollama_reply_create(text_request *request, text_ids *ids, const reply_info *info);
/* {"embedding":[..]} */
void *embeddings_ollama_one_reply_create(text_request *request, text_ids *ids, const reply_info *info);

extern const answer_format embeddings_format;

#endif
