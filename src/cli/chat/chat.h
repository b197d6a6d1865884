/* chat.h - the state of an interactive chat, shared by its loop (chat.c), its turns (chat_turn.c) and its commands
 * (chat_commands.c). */
#ifndef SUMI_CLI_CHAT_CHAT_H
#define SUMI_CLI_CHAT_CHAT_H

#include "cli/chat/conversation.h"
#include "cli/commands/run.h"

typedef struct chat {
    session *session;
    conversation talk;
    int32_t *held; /* [n_held] the tokens whose keys and values the sequence holds */
    int32_t n_held;
    int32_t capacity; /* tokens that fit: the context, or the key/value memory if that is smaller */
    int32_t n_answers, n_prompt, n_generated, n_reused; /* totals, for /stats */
    double prefill_ms, decode_ms;
    bool quit;
} chat;

/* chat_turn.c: answers the last message of the conversation, which is the user's. After a failure the message is removed. */
void chat_answer(chat *c);

/* Runs a line that starts with '/'. */
void chat_command(chat *c, const char *line);
const char *chat_command_name(size_t i); /* "/help"; NULL after the last one */

#endif
