/* end_tokens.h - which tokens end a generation. */
#ifndef SUMI_TEXT_END_TOKENS_H
#define SUMI_TEXT_END_TOKENS_H

#include "text/vocab.h"

/* Sets ends[id] for every token of v that ends a turn or a text: eos, those that tokenizer.ggml.eot_token_id
 * and .eom_token_id name, and control tokens with a name that is known for it. EFORMAT: an id outside the
 * vocabulary. */
SUMI_MUST_USE sumi_status end_tokens_find(bool *ends, const vocab *v, const gguf *g, int32_t eos, sumi_error *err);

/* Reads a token id of the metadata; *id is -1 where the key is missing or the file writes -1 for none. EFORMAT:
 * it is outside the vocabulary. */
SUMI_MUST_USE sumi_status token_id_read(const vocab *v, const gguf *g, const char *key, int32_t *id, sumi_error *err);

#endif
