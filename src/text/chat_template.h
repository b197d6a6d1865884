/* chat_template.h - messages to the prompt that a model was trained on, by the template that its file carries. */
#ifndef SUMI_TEXT_CHAT_TEMPLATE_H
#define SUMI_TEXT_CHAT_TEMPLATE_H

#include <jansson.h>

#include "base/buf.h"
#include "sumi.h"

typedef struct chat_template chat_template; /* immutable after compile; any thread may render */

/* Reads the Jinja source of a chat template. name ("model.gguf: chat template") goes before messages. *out is freed
 * with chat_template_destroy(). SUMI_EFORMAT: "NAME: line N: what"; SUMI_ELIMIT, SUMI_ENOMEM. */
SUMI_MUST_USE sumi_status chat_template_compile(chat_template **out, const char *source, size_t n_bytes,
                                                const char *name, sumi_error *err);
void chat_template_destroy(chat_template *t); /* NULL is fine */

/* Appends the prompt to out. vars is an object whose members are the template's variables: messages (an array),
 * tools, add_generation_prompt, bos_token, eos_token and whatever else the template knows (enable_thinking, ...).
 * SUMI_EINVAL: the template refused the messages (err holds its own words and nothing else), or it used a value as it
 * cannot be used ("NAME: line N: what"); SUMI_ELIMIT: time, memory, depth, or out's maximum; SUMI_EUNSUPPORTED. On
 * failure out holds a part of the text. */
SUMI_MUST_USE sumi_status chat_template_render(const chat_template *t, const json_t *vars, buf *out,
                                               sumi_error *err);

#endif
