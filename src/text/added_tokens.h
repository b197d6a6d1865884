/* added_tokens.h - the special tokens of a vocabulary, and how each is found in text, as AddedToken of `tokenizers`:
 *
 *   lstrip, rstrip   white space before or after the token belongs to the token
 *   single_word      the token is found only where no letter, mark, number or "_" touches it. Any other occurrence is
 *                    skipped as a whole: no other token is searched inside it
 *   normalized       the token is searched in the normalised text, by the normalised form of its spelling. Tokens without
 *                    this flag are searched first, in the original text
 *
 * GGUF has no keys for these flags. Files converted by sumi list the tokens with flags in sumi.tokenizer.added_tokens
 * (i32) and sumi.tokenizer.added_flags (u8). In other files, the flags that llama.cpp has by name are used: for Phi-3, the
 * Jina and Nomic encoders, and ModernBERT. */
#ifndef SUMI_TEXT_ADDED_TOKENS_H
#define SUMI_TEXT_ADDED_TOKENS_H

#include "text/specials.h"

enum {
    ADDED_LSTRIP = 1,
    ADDED_RSTRIP = 2,
    ADDED_SINGLE_WORD = 4,
    ADDED_NORMALIZED = 8,
    ADDED_SPACE_SYMBOLS = 16, /* with NORMALIZED: normalising changes spaces to U+2581, which is no white space */
    ADDED_NO_MERGE = 32,      /* SentencePiece: merging neither makes this token nor begins with it */
};

typedef struct added_tokens {
    specials raw, normal; /* where to look for which */
    uint8_t *flags;       /* [n_tokens]; NULL: no token has any */
    bool has_normal;      /* `normal` has tokens */
    bool space_symbols;   /* some have ADDED_SPACE_SYMBOLS */
} added_tokens;

/* Reads the flags, and fills `raw`. EFORMAT: the lists of the file do not fit each other or the vocabulary; ELIMIT;
 * ENOMEM. After a failure a is safe to added_tokens_deinit(). */
SUMI_MUST_USE sumi_status added_tokens_init(added_tokens *a, const vocab *v, const model_source *src, sumi_error *err);
void added_tokens_deinit(added_tokens *a);

/* Normalises a text. *out NULL: the text is unchanged; else free it with free(). ENOMEM. */
typedef sumi_status (*added_normalize_fn)(const void *user, const char *text, size_t n, char **out, size_t *n_out);

/* Fills `normal`. Errors as above. */
SUMI_MUST_USE sumi_status added_tokens_normalize(added_tokens *a, const vocab *v, added_normalize_fn normalize,
                                                 const void *user, sumi_error *err);

/* A walk over the tokens of one text; begins as { 0 }. */
typedef struct added_walk {
    size_t from;  /* where the search continues */
    size_t end;   /* the end of the last token with its white space: the text after the token begins here */
    size_t white; /* the furthest end of white space after a token */
} added_walk;

typedef struct added_match {
    int32_t id;
    size_t start,
        end; /* with its white space; start may be before the end of the last token if both share white space */
} added_match;

/* The next token of text; false: there is none. normal: search the tokens of `normal`, else those of `raw`. control:
 * search control tokens, too. */
bool added_tokens_next(const added_tokens *a, bool normal, bool control, const char *text, size_t n, added_walk *w,
                       added_match *m);

#endif
