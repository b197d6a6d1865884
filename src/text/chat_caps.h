/* chat_caps.h - which messages a chat template takes, found by rendering small chats once.
 *
 * Templates differ: some raise an exception for a system message or for two turns of one role, some leave out what they do
 * not know. Neither a model's name nor the template's source says it reliably; a rendered text does: what was said is in it
 * or not. */
#ifndef SUMI_TEXT_CHAT_CAPS_H
#define SUMI_TEXT_CHAT_CAPS_H

#include <stdbool.h>

#include "text/jinja.h"

typedef struct chat_caps {
    bool system;       /* a system message before the first turn */
    bool lone_system;  /* a system message and nothing else */
    bool later_system; /* system messages anywhere, several too */
    bool repeats;      /* turns of one role after each other */
    bool tool_calls;   /* calls of tools in a turn of the assistant, with their arguments */
    bool tool_results; /* messages of the role "tool" */
    /* Of tool calls: */
    bool arguments_text; /* arguments are JSON text, not an object */
    bool null_content;   /* the turn's content is null, not "" */
    bool short_ids;      /* ids have nine letters and digits */
} chat_caps;

/* Renders a handful of chats, each within small limits. A template that does not even show a user's message is said to take
 * everything: its own errors tell more than a guess. False: out of memory. */
bool chat_caps_find(chat_caps *caps, const jinja_template *t);

#endif
