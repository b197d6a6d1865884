/* end_tokens.h - which tokens end a generation, and how token ids stand in the metadata. */
#ifndef SUMI_TEXT_END_TOKENS_H
#define SUMI_TEXT_END_TOKENS_H

#include "text/id_list.h"
#include "text/vocab.h"

#define TOKEN_IDS_MAX 1024 /* of one list in the metadata */

/* Sets ends[id] for every token of v that ends a turn or a text: eos; those that tokenizer.ggml.eos_token_ids (a list, as
 * Ollama writes it), .eot_token_id, .eom_token_id and the .fim_*_token_id for padding and the next file name; and control
 * tokens with a name that is known for it. EFORMAT: an id outside the vocabulary; ENOMEM. */
SUMI_MUST_USE sumi_status end_tokens_find(bool *ends, const vocab *v, const gguf *g, int32_t eos, sumi_error *err);

/* Reads a token id of the metadata; *id is -1 where the key is missing or the file writes -1 for none. EFORMAT:
 * it is outside the vocabulary. */
SUMI_MUST_USE sumi_status token_id_read(const vocab *v, const gguf *g, const char *key, int32_t *id, sumi_error *err);

/* Appends the ids of a list; a missing key is an empty one. EFORMAT: no list of integers, or an id outside the
 * vocabulary; ELIMIT; ENOMEM. */
SUMI_MUST_USE sumi_status token_ids_read(const vocab *v, const gguf *g, const char *key, id_list *ids, sumi_error *err);

#endif
