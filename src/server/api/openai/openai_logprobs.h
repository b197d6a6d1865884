/* openai_logprobs.h - log-probabilities of tokens as the OpenAI API shows them. */
#ifndef SUMI_SERVER_API_OPENAI_OPENAI_LOGPROBS_H
#define SUMI_SERVER_API_OPENAI_OPENAI_LOGPROBS_H

#include "base/buf.h"

/* Lists that grow token by token, each without its brackets; chat uses the first only. */
typedef struct logprob_lists {
    buf tokens;  /* chat: objects; completion: texts */
    buf values;  /* log-probabilities */
    buf top;     /* objects of text and log-probability */
    buf offsets; /* of each token in the text, in characters */
    int32_t n, offset;
} logprob_lists;

void logprob_lists_init(logprob_lists *l);
void logprob_lists_deinit(logprob_lists *l);
void logprob_lists_clear(logprob_lists *l); /* removes the tokens; the text offset keeps counting */

/* {"token":"a","logprob":-0.1,"bytes":[97],"top_logprobs":[...]} */
void logprobs_add_chat(logprob_lists *l, const sumi_model *model, const sumi_choice *token, const sumi_choice *top,
                       int32_t n_top);
/* known false: the first token of a prompt, which has no probability. */
void logprobs_add_completion(logprob_lists *l, const sumi_model *model, const sumi_choice *token, bool known,
                             const sumi_choice *top, int32_t n_top);

/* One token of a prompt as vLLM shows it: {"1":{"logprob":-0.1,"rank":2,"decoded_token":"a"}, ...}, the token itself
 * before the alternatives that are other tokens. */
void logprobs_put_prompt(const sumi_model *model, const sumi_choice *token, int32_t rank, const sumi_choice *top,
                         int32_t n_top, buf *out);

void logprobs_put_chat(const logprob_lists *l, buf *out);       /* {"content":[...],"refusal":null} */
void logprobs_put_completion(const logprob_lists *l, buf *out); /* {"tokens":[...],...} */

#endif
