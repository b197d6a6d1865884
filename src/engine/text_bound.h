/* text_bound.h - a lower bound of a text's tokens, without tokenising it. */
#ifndef SUMI_ENGINE_TEXT_BOUND_H
#define SUMI_ENGINE_TEXT_BOUND_H

#include "sumi.h"

/* tokenizer_fewest_tokens() of the model's tokenizer. */
int64_t model_fewest_tokens(const sumi_model *m, const char *text, size_t n_bytes);

#endif
