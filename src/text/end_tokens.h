/* end_tokens.h - finds the tokens that end a generation, and reads token ids of the metadata. */
#ifndef SUMI_TEXT_END_TOKENS_H
#define SUMI_TEXT_END_TOKENS_H

#include "text/id_list.h"
#include "text/vocab.h"

#define TOKEN_IDS_MAX 1024 /* of one list in the metadata */

/* Sets ends[id] for every token of v that ends a turn or a text: eos; the tokens of tokenizer.ggml.eos_token_ids (a list,
 * as written by Ollama), .eot_token_id, .eom_token_id and the .fim_*_token_id for padding and the next file name; and
 * control tokens with a well-known name. EFORMAT: an id outside the vocabulary; ENOMEM. */
SUMI_MUST_USE sumi_status end_tokens_find(bool *ends, const vocab *v, const model_source *src, int32_t eos,
                                          sumi_error *err);

/* Reads a token id of the metadata; *id is -1 if the key is missing or has the value -1. EFORMAT: the id is outside the
 * vocabulary. */
SUMI_MUST_USE sumi_status token_id_read(const vocab *v, const model_source *src, const char *key, int32_t *id,
                                        sumi_error *err);

/* Appends the ids of a list; a missing key means an empty list. EFORMAT: not a list of integers, or an id outside the
 * vocabulary; ELIMIT; ENOMEM. */
SUMI_MUST_USE sumi_status token_ids_read(const vocab *v, const model_source *src, const char *key, id_list *ids,
                                         sumi_error *err);

#endif
