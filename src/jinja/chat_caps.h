/* chat_caps.h - probes which messages a chat template takes, by rendering small chats once.
 *
 * Templates differ: some raise an exception for a system message or for two turns of one role; some drop messages that they
 * do not know. Neither the model's name nor the template's source says this reliably. A rendered text does: the words of a
 * message are in the text or not. */
#ifndef SUMI_JINJA_CHAT_CAPS_H
#define SUMI_JINJA_CHAT_CAPS_H

#include <stdbool.h>

#include "jinja/jinja.h"

typedef struct chat_caps {
    bool system;       /* a system message before the first turn */
    bool lone_system;  /* a system message and nothing else */
    bool later_system; /* system messages anywhere, several too */
    bool repeats;      /* successive turns of one role */
    bool tool_calls;   /* tool calls in a turn of the assistant, with their arguments */
    bool tool_results; /* messages of the role "tool" */
    /* Of tool calls: */
    bool arguments_text; /* arguments are JSON text, not an object */
    bool null_content;   /* the turn's content is null, not "" */
    bool short_ids;      /* ids have nine letters and digits */
} chat_caps;

/* Renders a few chats, each within small limits. A template that does not even show a user's message is treated as taking
 * everything: its own errors say more than a guess. False: out of memory. */
bool chat_caps_find(chat_caps *caps, const jinja_template *t);

#endif
