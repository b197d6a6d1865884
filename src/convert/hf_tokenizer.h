/* hf_tokenizer.h - tokenizer.json and its companions as the tokenizer.* keys of GGUF. */
#ifndef SUMI_CONVERT_HF_TOKENIZER_H
#define SUMI_CONVERT_HF_TOKENIZER_H

#include "convert/hf_folder.h"
#include "format/gguf_write.h"

/* tokenizer.ggml.token_type */
enum { HF_NORMAL = 1, HF_UNKNOWN, HF_CONTROL, HF_USER_DEFINED, HF_UNUSED, HF_BYTE };

/* What a vocabulary is made of, while its keys are written. */
typedef struct hf_token {
    const char *text; /* of the JSON, or of `arena` */
    size_t n;
    int32_t kind; /* tokenizer.ggml.token_type; 0: nothing has this id */
    float score;
    uint8_t flags; /* ADDED_*, of added tokens */
} hf_token;

typedef struct hf_vocab {
    const hf_folder *folder;
    hf_token *tokens; /* [n] */
    int32_t n;
    int32_t unknown;    /* of Unigram, whose model names it; -1: the companions may */
    struct strmap *ids; /* text -> id */
    char *arena;        /* owned; texts that differ from those of the JSON */
    bool spaced;        /* U+2581 stands for a space */
    bool pieces;        /* WordPiece: "##" marks what goes on with a word, and GGUF marks what begins one */
} hf_vocab;

/* Writes all keys. n_vocab: tokens of the embedding; 0: as many as the vocabulary has. EFORMAT: the vocabulary is missing
 * or inconsistent; EUNSUPPORTED: a kind of vocabulary, pre-tokenizer or normaliser that is not known, named; ENOMEM. */
SUMI_MUST_USE sumi_status hf_tokenizer_write(const hf_folder *f, int64_t n_vocab, gguf_head *head,
                                             sumi_error *err);

/* hf_special.c: BOS, EOS and their kin, end tokens, what stands around a text, and the chat template. Errors as those of
 * hf_post_read(). */
SUMI_MUST_USE sumi_status hf_special_write(const hf_vocab *v, gguf_head *head, sumi_error *err);

/* hf_added.c: the flags of an entry of "added_tokens". */
uint8_t hf_added_flags(const json_t *added);
/* Writes the flags of all tokens. Kinds of tokens and spaced are set. */
void hf_added_write(hf_vocab *v, gguf_head *head);

#define HF_MAX_AROUND 16

/* The tokens on both sides of one text, in order. */
typedef struct hf_around {
    bool known; /* a processor says so; else companions may */
    int32_t n_before, n_after, before[HF_MAX_AROUND], after[HF_MAX_AROUND];
} hf_around;

/* hf_post.c: what the post-processor says. EUNSUPPORTED: a processor that is not known, named; EFORMAT: a token that is
 * not in the vocabulary; ELIMIT. */
SUMI_MUST_USE sumi_status hf_post_read(const hf_vocab *v, hf_around *a, sumi_error *err);

/* hf_pretok.c: the name that GGUF has for the pre-tokenizer and normaliser of a byte-level vocabulary. NULL: EUNSUPPORTED,
 * in *err. */
const char *hf_pretok_name(const json_t *tokenizer, sumi_error *err);

/* hf_unigram.c: all keys but tokens, their kinds and scores of a Unigram vocabulary. Kinds of tokens, unknown and spaced
 * are set. EUNSUPPORTED: a step that SentencePiece has no switch for, named; EFORMAT; ELIMIT; ENOMEM. */
SUMI_MUST_USE sumi_status hf_unigram_write(hf_vocab *v, gguf_head *head, sumi_error *err);

/* Whether it is spelled "<0x41>", as the token of a byte. */
bool hf_is_byte_token(const hf_token *t);

int32_t hf_vocab_find(const hf_vocab *v, const char *text); /* id, or -1 */

#endif
