/* conversation.h - the messages of a chat: a list of roles and texts, as chat templates take it. */
#ifndef SUMI_CLI_CHAT_CONVERSATION_H
#define SUMI_CLI_CHAT_CONVERSATION_H

#include "sumi.h"

typedef struct conversation {
    sumi_message *messages; /* [n]; role is a constant, content is owned */
    int32_t n, cap;
} conversation;

void conversation_deinit(conversation *c);
SUMI_MUST_USE bool conversation_add(conversation *c, const char *role, const char *content, size_t n_bytes);
void conversation_cut(conversation *c, int32_t n); /* keeps the first n messages */
bool conversation_has_system(const conversation *c);

/* The system message becomes content; "" removes it. */
SUMI_MUST_USE bool conversation_set_system(conversation *c, const char *content);

/* Drops the first question and all messages up to the next question. False: only one question is left. */
bool conversation_drop_oldest(conversation *c);

/* A JSON array of {"role", "content"}, as `sumi template --messages` and the OpenAI API read it. */
SUMI_MUST_USE sumi_status conversation_save(const conversation *c, const char *path, sumi_error *err);
SUMI_MUST_USE sumi_status conversation_load(conversation *c, const char *path, sumi_error *err);

#endif
