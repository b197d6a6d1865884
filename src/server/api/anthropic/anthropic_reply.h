/* anthropic_reply.h - an answer as the Anthropic API defines it: a message, or a stream of its events.
 *
 *   message_start, content_block_start | content_block_delta ... | content_block_stop, message_delta, message_stop
 *   at once                              text                       or `error` */
#ifndef SUMI_SERVER_API_ANTHROPIC_ANTHROPIC_REPLY_H
#define SUMI_SERVER_API_ANTHROPIC_ANTHROPIC_REPLY_H

#include "server/api/reply.h"

void *anthropic_reply_create(text_request *request, text_ids *ids, const reply_info *info);
extern const answer_format anthropic_format;

#endif
