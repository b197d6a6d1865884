/* tokenizer.h - text to token ids and back, as a model file defines it.
 *
 * Encoding cuts the text in stages; docs/text.md shows them with an example:
 *
 *   text -> special tokens | plain segments -> pieces or words      -> tokens
 *           specials.c                         pretok.c                byte_bpe.c
 *                                              space_words.c           spm.c, unigram.c
 *                                              wordpiece.c             wordpiece.c
 *
 * Bytes that are not UTF-8 become the tokens of single bytes if the vocabulary has them. */
#ifndef SUMI_TEXT_TOKENIZER_H
#define SUMI_TEXT_TOKENIZER_H

#include "format/model_source.h"

#define TOKENIZER_MAX_TEXT ((size_t)1 << 28) /* bytes in one call */

typedef struct tokenizer tokenizer; /* immutable after creation: any thread may use it */

/* Builds the tokenizer of src, which is borrowed and must outlive it; src needs no tensors. EFORMAT: the vocabulary is
 * missing or inconsistent; EUNSUPPORTED: this build does not know the model or the pre-tokenizer, which the message names;
 * ELIMIT; ENOMEM. Free with tokenizer_destroy(). */
SUMI_MUST_USE sumi_status tokenizer_create(tokenizer **out, const model_source *src, sumi_error *err);
void tokenizer_destroy(tokenizer *t); /* NULL is fine */

int32_t tokenizer_n_vocab(const tokenizer *t);
int32_t tokenizer_bos(const tokenizer *t); /* -1: none */
int32_t tokenizer_eos(const tokenizer *t); /* -1: none */
/* Both are false outside the vocabulary. */
bool tokenizer_is_end(const tokenizer *t, int32_t id);     /* EOS, EOT, EOM and their kin */
bool tokenizer_is_special(const tokenizer *t, int32_t id); /* a control token or the unknown token */

/* Finds the text in ids that were encoded with SUMI_TOKENIZE_BOS_EOS: removes the tokens around the text. The tokens of a
 * side are removed only if all of them are there. */
void tokenizer_find_text(const tokenizer *t, const int32_t *ids, int32_t n, int32_t *first, int32_t *n_text);

/* The bytes that id stands for in text, without any rule about leading spaces; for a control token its name. They live as
 * long as t and are not NUL-terminated. NULL, and *n_bytes == 0: id is outside the vocabulary. */
const char *tokenizer_text(const tokenizer *t, int32_t id, size_t *n_bytes);

/* A lower bound of the number of tokens of text [n_bytes], found much faster than by encoding: no token stands for more
 * bytes than the longest token, except white space, which some tokens remove. 0: no bound is known. */
int64_t tokenizer_fewest_tokens(const tokenizer *t, const char *text, size_t n_bytes);

/* flags: SUMI_TOKENIZE_*. *ids, never NULL on success, is freed with free(). ELIMIT: more than
 * TOKENIZER_MAX_TEXT bytes; ENOMEM. User-defined tokens are found in text with and without
 * SUMI_TOKENIZE_SPECIAL, control tokens only with it. */
SUMI_MUST_USE sumi_status tokenizer_encode(const tokenizer *t, const char *text, size_t n_bytes, uint32_t flags,
                                           int32_t **ids, int32_t *n_ids, sumi_error *err);

/* The bytes of ids, one after the other; *text is NUL-terminated, freed with free(). special: special tokens give their
 * names, else no text. If encoding adds a space in front (SentencePiece), one leading space of the first text token is
 * removed. EINVAL: an id outside the vocabulary; ELIMIT: more than 1 GiB; ENOMEM. */
SUMI_MUST_USE sumi_status tokenizer_decode(const tokenizer *t, const int32_t *ids, int32_t n_ids, bool special,
                                           char **text, size_t *n_bytes, sumi_error *err);

/* Whether encoding adds a space before the first word, which decoding removes: for detok.h. */
bool tokenizer_adds_space(const tokenizer *t);

#endif
