/* chat.h - a chat as the text that a model goes on with, for the other rooms of the program. In text.c. */
#ifndef SUMI_ENGINE_CHAT_H
#define SUMI_ENGINE_CHAT_H

#include "text/chat_template.h"

/* As sumi_chat_format_json(), with all that in says but its bos, eos and strict_roles, which are the model's. */
SUMI_MUST_USE sumi_status model_format_chat(const sumi_model *m, const chat_input *in, char **text, size_t *n_bytes,
                                            sumi_error *err);

#endif
