/* tiny_vocab.h - small vocabularies for tests of tokenizers, made in memory token by token.
 *
 *   tiny_vocab v;
 *   tiny_init(&v, "gpt2");
 *   tiny_bytes(&v);                          the 256 single bytes: ids 0 to 255
 *   tiny_merge(&v, "a b");                   and the token "ab", id 256
 *   tiny_token(&v, "<end>", 3, 0);           a control token, id 257
 *   gb_str(&v.file, "tokenizer.ggml.pre", "gpt-2");
 *   tiny_tokenizer t = tiny_open(&v);        ... t.tokenizer ...        tiny_close(&t); */
#ifndef TEST_TINY_VOCAB_H
#define TEST_TINY_VOCAB_H

#include "gguf_builder.h"
#include "text/tokenizer.h"

#define TINY_MAX 2048

typedef struct tiny_vocab {
    gguf_builder file; /* add further keys here */
    bool is_spm;
    size_t n_tokens, n_merges;
    char *tokens[TINY_MAX], *merges[TINY_MAX];
    int32_t kinds[TINY_MAX];
    float scores[TINY_MAX];
} tiny_vocab;

typedef struct tiny_tokenizer {
    uint8_t *bytes;
    model_source *file;
    tokenizer *tokenizer; /* NULL: status and err say why */
    sumi_status status;
    sumi_error err;
} tiny_tokenizer;

void tiny_init(tiny_vocab *v, const char *model);                                /* "gpt2", "llama", "t5" */
int32_t tiny_token(tiny_vocab *v, const char *token, int32_t kind, float score); /* its id */
void tiny_bytes(tiny_vocab *v);                      /* the next 256 ids, as the model spells bytes */
int32_t tiny_merge(tiny_vocab *v, const char *line); /* "LEFT RIGHT"; the id of the token that it makes */

/* The three arrays and what was added to v->file, as a file. v is empty afterwards. Free with free(). */
uint8_t *tiny_finish(tiny_vocab *v, size_t *n_bytes);
tiny_tokenizer tiny_open(tiny_vocab *v); /* of tiny_finish() */
void tiny_close(tiny_tokenizer *t);

/* The same as a model without weights; fails the test if it does not open. Close with sumi_model_close(). */
sumi_model *tiny_model(tiny_vocab *v);

/* Encodes the string literal `text` and fails the test unless exactly the ids that follow come out. */
#define TINY_CHECK(t, text, flags, ...) \
    tiny_check_ids(&(t), text, sizeof(text) - 1, flags, (const int32_t[]){ __VA_ARGS__, -1 })
void tiny_check_ids(const tiny_tokenizer *t, const char *text, size_t n, uint32_t flags, const int32_t *want);

#endif
