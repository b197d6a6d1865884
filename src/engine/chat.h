/* chat.h - renders a chat as a prompt, for other rooms of the program. Implemented in text.c. */
#ifndef SUMI_ENGINE_CHAT_H
#define SUMI_ENGINE_CHAT_H

#include "jinja/chat_template.h"

/* As sumi_chat_format_json(), with the fields of in; only bos, eos and strict_roles are the model's. */
SUMI_MUST_USE sumi_status model_format_chat(const sumi_model *m, const chat_input *in, char **text, size_t *n_bytes,
                                            sumi_error *err);

#endif
