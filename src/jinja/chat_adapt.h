/* chat_adapt.h - adapts a chat of any client to the model's template, without losing a message.
 *
 *   template takes no system message    its text is put before the text of the user's next turn
 *   ... one, at the beginning           several at the beginning become one; later ones go into the user's next turn
 *   ... none without a user's turn      if all messages are system messages, they become a turn of the user
 *   ... only alternating turns          successive turns of one role become one turn, with an empty line between
 *   tool calls                          arguments, content and ids get the form that the template reads
 *
 * A message that the template cannot show is refused, never dropped. */
#ifndef SUMI_JINJA_CHAT_ADAPT_H
#define SUMI_JINJA_CHAT_ADAPT_H

#include <jansson.h>

#include "jinja/chat_caps.h"

/* *out is a new array; messages (an array of objects) is not changed. strict_roles: only tool calls are adapted. EINVAL:
 * the template does not show tool calls or results, or arguments are not JSON; ENOMEM. */
SUMI_MUST_USE sumi_status chat_adapt(const chat_caps *caps, const json_t *messages, bool strict_roles, json_t **out,
                                     sumi_error *err);

/* Checks that text, the rendered messages, has the names of all called functions. EINVAL: the template dropped a call. */
SUMI_MUST_USE sumi_status chat_check_calls(const json_t *messages, const char *text, size_t n_bytes, sumi_error *err);

/* Whether message, any JSON value, is an object with this role. */
bool chat_has_role(const json_t *message, const char *role);

#endif
