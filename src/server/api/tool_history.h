/* tool_history.h - tool calls in the history of a chat: converts each API's form to the form of chat templates.
 *
 *   Anthropic  assistant [{"type":"thinking","thinking":T},{"type":"tool_use","id":I,"name":N,"input":{}}],
 *              user [{"type":"tool_result","tool_use_id":I}]
 *   Responses  {"type":"function_call","call_id":I,"name":N,"arguments":"{}"}, {"type":"function_call_output","call_id":I}
 *   OpenAI     {"role":"assistant","tool_calls":[{"id":I,"type":"function","function":{"name":N,"arguments":"{}"}}]
 *              "reasoning_content":T}, {"role":"tool","tool_call_id":I,"content":"..."}
 *   Ollama     the same with an object for arguments, without ids
 *
 * Pure functions of JSON. OpenAI's and Ollama's forms are read unchanged; jinja/chat_adapt.h gives arguments the template's
 * form. */
#ifndef SUMI_SERVER_API_TOOL_HISTORY_H
#define SUMI_SERVER_API_TOOL_HISTORY_H

#include <jansson.h>

#include "server/api/api_error.h"

/* Whether the message m calls tools; such a message needs no content. */
bool tool_history_calls(const json_t *m);

/* Copies the tool fields and the reasoning of m to the message `to`. where: the name of m in errors, in the field `field`.
 * False: *e says what is wrong. */
SUMI_MUST_USE bool tool_history_copy(json_t *to, const json_t *m, const char *field, const char *where, api_error *e);

/* Numbers tool calls without ids, such as Ollama's; results belong to calls in their order. Some clients (LiteLLM) omit
 * the ids of calls but not those of results: the ids of such results are replaced. False: no memory. */
SUMI_MUST_USE bool tool_history_number(json_t *messages);

/* New lists of messages in OpenAI's form; everything except calls and results is unchanged. Free with json_decref(). NULL:
 * *e says what is wrong. list: any JSON; a value that is no list is returned unchanged. */
json_t *tool_history_from_anthropic(json_t *list, api_error *e);
json_t *tool_history_from_responses(json_t *list, api_error *e);

#endif
