/* chat_template.h - messages to the prompt that a model was trained on, by the template that its file carries. */
#ifndef SUMI_TEXT_CHAT_TEMPLATE_H
#define SUMI_TEXT_CHAT_TEMPLATE_H

#include <jansson.h>

#include "base/buf.h"
#include "sumi.h"

typedef struct chat_template chat_template; /* immutable after compile; any thread may render */

/* Reads the Jinja source of a chat template, and renders a few small chats with it (chat_caps.h). name ("model.gguf: chat
 * template") goes before messages of errors. *out is freed with chat_template_destroy(). SUMI_EFORMAT: "NAME: line N: what";
 * SUMI_ELIMIT, SUMI_ENOMEM. */
SUMI_MUST_USE sumi_status chat_template_compile(chat_template **out, const char *source, size_t n_bytes,
                                                const char *name, sumi_error *err);
void chat_template_destroy(chat_template *t); /* NULL is fine */

/* Appends the prompt to out, whose maximum bounds it. vars is an object whose members are the template's variables:
 * messages (an array), tools, add_generation_prompt, bos_token, eos_token and whatever else the template knows
 * (enable_thinking, ...). vars must not change meanwhile. SUMI_EINVAL: the template refused the messages (err holds
 * its own words and nothing else), or it used a value as it cannot be used ("NAME: line N: what"); SUMI_ELIMIT: time,
 * memory, depth, or out's maximum; SUMI_EUNSUPPORTED. On failure out holds a part of the text. */
SUMI_MUST_USE sumi_status chat_template_render(const chat_template *t, const json_t *vars, buf *out,
                                               sumi_error *err);

/* What a chat is made of, for chat_template_format(). Everything is borrowed. */
typedef struct chat_input {
    json_t *messages; /* an array of objects, as the OpenAI API defines it */
    json_t *tools;    /* an array, or NULL */
    json_t *extra;    /* an object of further variables, which go before the ones here; or NULL */
    bool add_generation_prompt;
    bool continue_final; /* the text ends within the last message, which is to be gone on with; no generation prompt */
    bool strict_roles;   /* roles go to the template as they are; else as chat_adapt.h says */
    const char *bos, *eos; /* texts of the tokens; NULL: the model has none, and the variable is undefined */
    size_t n_bos, n_eos;
} chat_input;

/* Makes the messages fit the template (chat_adapt.h) and renders them with the variables that transformers'
 * apply_chat_template() would pass: tools and documents are none rather than undefined if there are none, and a message's
 * "reasoning" or "thinking" is also its "reasoning_content".
 * SUMI_EINVAL: messages or tools are not arrays of objects, hold calls of tools that the template leaves out, or do not end
 * with a text that could be gone on with; else as chat_template_render(). */
SUMI_MUST_USE sumi_status chat_template_format(const chat_template *t, const chat_input *input, buf *out,
                                               sumi_error *err);

#endif
