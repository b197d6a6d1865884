/* chat_window.h - drops the oldest turns of a chat that is longer than the context.
 *
 * A turn is a message of the user and all messages up to the user's next one: answers, tool calls and their results.
 * Messages before the first turn belong to it. System messages are never dropped, and neither is the last turn. */
#ifndef SUMI_SERVER_API_CHAT_WINDOW_H
#define SUMI_SERVER_API_CHAT_WINDOW_H

#include <jansson.h>

/* messages: objects with the string "role". */
int32_t chat_n_turns(const json_t *messages);

/* A new list without the oldest n_dropped turns; there are more turns. NULL: out of memory. */
json_t *chat_without_oldest(const json_t *messages, int32_t n_dropped);

#endif
