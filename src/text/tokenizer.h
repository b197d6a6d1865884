/* tokenizer.h - text to token ids and back, as a model file defines it.
 *
 * Encoding cuts the text in stages; docs/text.md walks one example through them:
 *
 *   text -> special tokens | plain segments -> pieces or words      -> tokens
 *           specials.c                         pretok.c                byte_bpe.c
 *                                              space_words.c           spm.c, unigram.c
 *                                              wordpiece.c             wordpiece.c
 *
 * Bytes that are not UTF-8 survive: they become the tokens of single bytes where the vocabulary has them. */
#ifndef SUMI_TEXT_TOKENIZER_H
#define SUMI_TEXT_TOKENIZER_H

#include "format/gguf.h"

#define TOKENIZER_MAX_TEXT ((size_t)1 << 28) /* bytes in one call */

typedef struct tokenizer tokenizer; /* immutable after creation: any thread may use it */

/* Builds the tokenizer of g, which is borrowed and must outlive it; g needs no tensors. EFORMAT: the vocabulary
 * is missing or inconsistent; EUNSUPPORTED: a model or pre-tokenizer that this build does not know, named;
 * ELIMIT; ENOMEM. Free with tokenizer_destroy(). */
SUMI_MUST_USE sumi_status tokenizer_create(tokenizer **out, const gguf *g, sumi_error *err);
void tokenizer_destroy(tokenizer *t); /* NULL is fine */

int32_t tokenizer_n_vocab(const tokenizer *t);
int32_t tokenizer_bos(const tokenizer *t); /* -1: none */
int32_t tokenizer_eos(const tokenizer *t); /* -1: none */
/* Both are false outside the vocabulary. */
bool tokenizer_is_end(const tokenizer *t, int32_t id);     /* EOS, EOT, EOM and their kin */
bool tokenizer_is_special(const tokenizer *t, int32_t id); /* a control token or the unknown token */

/* Where the text is in ids that were encoded with SUMI_TOKENIZE_BOS_EOS: without the tokens that stand around it. Each side
 * counts if it is there whole. */
void tokenizer_find_text(const tokenizer *t, const int32_t *ids, int32_t n, int32_t *first, int32_t *n_text);

/* The bytes that id stands for in text, without any rule about leading spaces; a control token's name. They
 * live as long as t and are not NUL-terminated. NULL, and *n_bytes == 0: id is outside the vocabulary. */
const char *tokenizer_text(const tokenizer *t, int32_t id, size_t *n_bytes);

/* A lower bound of the number of tokens that text [n_bytes] has, found much faster than by encoding: no token stands for more
 * bytes than the longest one, if white space is not counted, which some tokens take with them. 0: nothing is known. */
int64_t tokenizer_fewest_tokens(const tokenizer *t, const char *text, size_t n_bytes);

/* flags: SUMI_TOKENIZE_*. *ids, never NULL on success, is freed with free(). ELIMIT: more than
 * TOKENIZER_MAX_TEXT bytes; ENOMEM. User-defined tokens are found in text with and without
 * SUMI_TOKENIZE_SPECIAL, control tokens only with it. */
SUMI_MUST_USE sumi_status tokenizer_encode(const tokenizer *t, const char *text, size_t n_bytes,
                                           uint32_t flags, int32_t **ids, int32_t *n_ids, sumi_error *err);

/* The bytes of ids, one after the other; *text is NUL-terminated, freed with free(). special: write special
 * tokens as their names, else they give nothing. If encoding adds a space in front (SentencePiece), one leading
 * space of the first text token is taken away again. EINVAL: an id outside the vocabulary; ELIMIT: more than 1
 * GiB; ENOMEM. */
SUMI_MUST_USE sumi_status tokenizer_decode(const tokenizer *t, const int32_t *ids, int32_t n_ids,
                                           bool special, char **text, size_t *n_bytes, sumi_error *err);

/* Whether encoding puts a space before the first word, which decoding takes away: for detok.h. */
bool tokenizer_adds_space(const tokenizer *t);

#endif
