/* chat_template.h - renders messages as the prompt that a model was trained on, with the template in its file. */
#ifndef SUMI_JINJA_CHAT_TEMPLATE_H
#define SUMI_JINJA_CHAT_TEMPLATE_H

#include <jansson.h>

#include "base/buf.h"
#include "sumi.h"

typedef struct chat_template chat_template; /* immutable after compile; any thread may render */

/* Compiles the Jinja source of a chat template and probes it with a few small chats. name ("model.gguf: chat template") is
 * the prefix of messages. Free *out with chat_template_destroy(). SUMI_EFORMAT: "NAME: line N: what"; SUMI_ELIMIT,
 * SUMI_ENOMEM. */
SUMI_MUST_USE sumi_status chat_template_compile(chat_template **out, const char *source, size_t n_bytes,
                                                const char *name, sumi_error *err);
void chat_template_destroy(chat_template *t); /* NULL is fine */

/* Appends the prompt to out, whose maximum limits the prompt. The members of the object vars are the template's variables:
 * messages (an array), tools, add_generation_prompt, bos_token, eos_token and other variables of the template
 * (enable_thinking, ...). vars must not change during the call. SUMI_EINVAL: the template refused the messages (err holds
 * only its own words), or it used a value in an invalid way ("NAME: line N: what"); SUMI_ELIMIT: time, memory, depth, or
 * out's maximum; SUMI_EUNSUPPORTED. On failure out holds a part of the text. */
SUMI_MUST_USE sumi_status chat_template_render(const chat_template *t, const json_t *vars, buf *out, sumi_error *err);

/* The parts of a chat, for chat_template_format(). Everything is borrowed. */
typedef struct chat_input {
    json_t *messages; /* an array of objects, as the OpenAI API defines it */
    json_t *tools;    /* an array, or NULL */
    json_t *extra;    /* an object of further variables, which override those here; or NULL */
    bool add_generation_prompt;
    /* the text ends inside the last message, so that the answer continues it; no generation prompt */
    bool continue_final;
    bool strict_roles;     /* pass roles to the template unchanged; false: adapt them as chat_adapt.h says */
    const char *bos, *eos; /* texts of the tokens; NULL: the model has none, and the variable is undefined */
    size_t n_bos, n_eos;
} chat_input;

/* Adapts the messages (chat_adapt.h) and renders them with the variables of transformers' apply_chat_template(): without
 * tools and documents, these variables are none, not undefined; a message's "reasoning" or "thinking" is also its
 * "reasoning_content". SUMI_EINVAL: messages or tools are not arrays of objects, the template drops a tool call, or the
 * last message has no text that could be continued; other errors as chat_template_render(). */
SUMI_MUST_USE sumi_status chat_template_format(const chat_template *t, const chat_input *input, buf *out,
                                               sumi_error *err);

#endif
