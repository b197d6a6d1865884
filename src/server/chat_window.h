/* chat_window.h - a chat without its oldest turns, for contexts that it has outgrown.
 *
 * A turn is a message of the user with all that follows until the next one: answers, calls of tools and their results. What
 * stands before the first turn goes with it. Messages of the system stay wherever they are; so does the last turn. */
#ifndef SUMI_SERVER_CHAT_WINDOW_H
#define SUMI_SERVER_CHAT_WINDOW_H

#include <jansson.h>

/* messages: objects with the string "role". */
int32_t chat_n_turns(const json_t *messages);

/* A new list without the oldest n_dropped turns, of which there are more; NULL: out of memory. */
json_t *chat_without_oldest(const json_t *messages, int32_t n_dropped);

#endif
