/* tool_history.h - calls of tools in the history of a chat: each API's form becomes that of chat templates.
 *
 *   Anthropic  assistant [{"type":"thinking","thinking":T},{"type":"tool_use","id":I,"name":N,"input":{}}],
 *              user [{"type":"tool_result","tool_use_id":I}]
 *   Responses  {"type":"function_call","call_id":I,"name":N,"arguments":"{}"}, {"type":"function_call_output","call_id":I}
 *   OpenAI     {"role":"assistant","tool_calls":[{"id":I,"type":"function","function":{"name":N,"arguments":"{}"}}]
 *              "reasoning_content":T}, {"role":"tool","tool_call_id":I,"content":"..."}
 *   Ollama     the same with an object for arguments, without ids
 *
 * Pure functions of JSON. The last two are read as they are; text/chat_adapt.h gives arguments the template's form. */
#ifndef SUMI_SERVER_TOOL_HISTORY_H
#define SUMI_SERVER_TOOL_HISTORY_H

#include <jansson.h>

#include "server/api_error.h"

/* Whether the message m calls tools; such a one needs no content. */
bool tool_history_calls(const json_t *m);

/* Copies what m says of tools, and of the reasoning before its text, to the message `to`. where: what errors call m, of the
 * field `field`. False: *e says what is wrong. */
SUMI_MUST_USE bool tool_history_copy(json_t *to, const json_t *m, const char *field, const char *where, api_error *e);

/* Calls that have no ids, as Ollama's, are numbered, and results belong to calls in their order. Some clients (LiteLLM) leave
 * the ids of calls out, but not those of their results: these are replaced. False: no memory. */
SUMI_MUST_USE bool tool_history_number(json_t *messages);

/* New lists of messages in OpenAI's form, with everything that is no call or result as it is; to be freed with
 * json_decref(). NULL: *e says what is wrong. list: any JSON; what is no list comes back as it is. */
json_t *tool_history_from_anthropic(json_t *list, api_error *e);
json_t *tool_history_from_responses(json_t *list, api_error *e);

#endif
