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
#include "server/api/text_request.h"

/* Whether the message m calls tools; such a message needs no content. */
bool tool_history_calls(const json_t *m);

/* Copies the tool fields and the reasoning of m to the message `to`. where: the name of m in errors, in the field `field`.
 * False: *e says what is wrong. */
SUMI_MUST_USE bool tool_history_copy(json_t *to, const json_t *m, const char *field, const char *where, api_error *e);

/* Numbers tool calls without ids, such as Ollama's; results belong to calls in their order. Some clients (LiteLLM) omit
 * the ids of calls but not those of results: the ids of such results are replaced. False: no memory. */
SUMI_MUST_USE bool tool_history_number(json_t *messages);

/* Makes a list of messages in OpenAI's form; everything except calls and results is unchanged. Text beside calls, and the
 * text of results, is checked here, because the place of a part is known only in the client's list. list: any JSON, or NULL; a
 * value that is no list is taken unchanged. types: of parts of text (ends with NULL). False: *e says what is wrong.
 * message_list_deinit() in both cases. */
SUMI_MUST_USE bool tool_history_from_anthropic(message_list *out, json_t *list, const char *const *types, api_error *e);
SUMI_MUST_USE bool tool_history_from_responses(message_list *out, json_t *list, const char *const *types, api_error *e);
void message_list_deinit(message_list *l);

#endif
