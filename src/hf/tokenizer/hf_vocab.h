/* hf_vocab.h - the parts of a vocabulary, while its keys are written. */
#ifndef SUMI_HF_TOKENIZER_HF_VOCAB_H
#define SUMI_HF_TOKENIZER_HF_VOCAB_H

#include "hf/hf_folder.h"

/* tokenizer.ggml.token_type */
enum { HF_NORMAL = 1, HF_UNKNOWN, HF_CONTROL, HF_USER_DEFINED, HF_UNUSED, HF_BYTE };

typedef struct hf_token {
    const char *text; /* of the JSON, or of `arena` */
    size_t n;
    int32_t kind; /* tokenizer.ggml.token_type; 0: no token has this id */
    float score;
    uint8_t flags; /* ADDED_*, of added tokens */
} hf_token;

typedef struct hf_vocab {
    const hf_folder *folder;
    hf_token *tokens; /* [n] */
    int32_t n;
    int32_t unknown;    /* the unknown token of Unigram, from tokenizer.json; -1: other files may name it */
    struct strmap *ids; /* text -> id */
    char *arena;        /* owned; texts that differ from those of the JSON */
    bool spaced;        /* U+2581 stands for a space */
    bool pieces; /* WordPiece: the file marks tokens inside a word with "##"; GGUF marks tokens at the beginning of
                           a word */
} hf_vocab;

/* Whether the token is spelled "<0x41>", like the token of a byte. */
bool hf_is_byte_token(const hf_token *t);

int32_t hf_vocab_find(const hf_vocab *v, const char *text); /* id, or -1 */

#endif
