/* chat_adapt.h - a chat as any client writes it becomes one that the model's template takes, losing nothing.
 *
 *   template takes no system message    its text goes before that of the next turn of the user
 *   ... one, at the beginning           several there become one; later ones go to the next turn of the user
 *   ... none without a user's turn      where all messages are system ones, they become a turn of the user
 *   ... turns that alternate only       neighbours of one role become one turn, with an empty line between
 *   calls of tools                      arguments, content and ids in the form that the template reads
 *
 * What has no place at all is refused rather than left out. */
#ifndef SUMI_TEXT_CHAT_ADAPT_H
#define SUMI_TEXT_CHAT_ADAPT_H

#include <jansson.h>

#include "text/chat_caps.h"

/* *out is a new array; messages [an array of objects] is left as it is. strict_roles: only calls of tools are adapted.
 * EINVAL: tools that the template has no place for, or arguments that are not JSON; ENOMEM. */
SUMI_MUST_USE sumi_status chat_adapt(const chat_caps *caps, const json_t *messages, bool strict_roles, json_t **out,
                                     sumi_error *err);

/* Whether text, the rendered messages, has the names of all called functions. EINVAL: one was left out. */
SUMI_MUST_USE sumi_status chat_check_calls(const json_t *messages, const char *text, size_t n_bytes, sumi_error *err);

#endif
