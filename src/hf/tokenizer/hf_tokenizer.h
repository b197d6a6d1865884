/* hf_tokenizer.h - tokenizer.json and the files beside it as the tokenizer.* keys of GGUF. */
#ifndef SUMI_HF_TOKENIZER_HF_TOKENIZER_H
#define SUMI_HF_TOKENIZER_HF_TOKENIZER_H

#include "format/gguf_write.h"
#include "hf/tokenizer/hf_vocab.h"

/* Writes all keys. n_vocab: tokens of the embedding; 0: as many as the vocabulary has. EFORMAT: the vocabulary is missing
 * or inconsistent; EUNSUPPORTED: an unknown kind of vocabulary, pre-tokenizer or normaliser; the message names it;
 * ENOMEM. */
SUMI_MUST_USE sumi_status hf_tokenizer_write(const hf_folder *f, int64_t n_vocab, gguf_head *head, sumi_error *err);

/* hf_special.c: BOS, EOS and other special tokens, end tokens, the tokens around a text, and the chat template. Errors as
 * hf_post_read(). */
SUMI_MUST_USE sumi_status hf_special_write(const hf_vocab *v, gguf_head *head, sumi_error *err);

/* hf_added.c: the flags of an entry of "added_tokens". */
uint8_t hf_added_flags(const json_t *added);
/* Writes the flags of all tokens, after kinds of tokens and spaced were set. */
void hf_added_write(hf_vocab *v, gguf_head *head);

#define HF_MAX_AROUND 16

/* The tokens on both sides of one text, in order. */
typedef struct hf_around {
    bool known; /* the post-processor defines them; false: other files may */
    int32_t n_before, n_after, before[HF_MAX_AROUND], after[HF_MAX_AROUND];
} hf_around;

/* hf_post.c: reads the post-processor. EUNSUPPORTED: an unknown processor; the message names it; EFORMAT: a token that is
 * not in the vocabulary; ELIMIT. */
SUMI_MUST_USE sumi_status hf_post_read(const hf_vocab *v, hf_around *a, sumi_error *err);

/* hf_pretok.c: GGUF's name of the pre-tokenizer and normaliser of a byte-level vocabulary. NULL: unknown; *err is
 * EUNSUPPORTED. */
const char *hf_pretok_name(const json_t *tokenizer, sumi_error *err);

/* hf_unigram.c: writes all keys of a Unigram vocabulary except tokens, kinds and scores, and sets kinds of tokens, unknown
 * and spaced. EUNSUPPORTED: a step for which SentencePiece has no setting; the message names it; EFORMAT; ELIMIT;
 * ENOMEM. */
SUMI_MUST_USE sumi_status hf_unigram_write(hf_vocab *v, gguf_head *head, sumi_error *err);

#endif
