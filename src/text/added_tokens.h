/* added_tokens.h - the special tokens of a vocabulary and how each is found in text, as AddedToken of `tokenizers` says:
 *
 *   lstrip, rstrip   white space before or behind the token belongs to it
 *   single_word      counts only where no letter, mark, number or "_" touches it. An occurrence that does not count
 *                    is passed over as a whole: no other token is looked for inside
 *   normalized       looked for in normalised text, by what normalising makes of its own spelling. The others are
 *                    looked for before that, in the text as it is
 *
 * GGUF files have no word for this. Those that sumi converts list the tokens with flags in sumi.tokenizer.added_tokens
 * (i32) and sumi.tokenizer.added_flags (u8). For others the families that llama.cpp knows by name have them: Phi-3, the
 * Jina and Nomic encoders, ModernBERT. */
#ifndef SUMI_TEXT_ADDED_TOKENS_H
#define SUMI_TEXT_ADDED_TOKENS_H

#include "text/specials.h"

enum {
    ADDED_LSTRIP = 1,
    ADDED_RSTRIP = 2,
    ADDED_SINGLE_WORD = 4,
    ADDED_NORMALIZED = 8,
    ADDED_SPACE_SYMBOLS = 16, /* with NORMALIZED: normalising turns spaces into U+2581, which is no white space */
    ADDED_NO_MERGE = 32,      /* SentencePiece: merging neither makes it nor begins with it */
};

typedef struct added_tokens {
    specials raw, normal;        /* where to look for which */
    uint8_t *flags;              /* [n_tokens]; NULL: no token has any */
    bool has_normal;             /* `normal` has tokens */
    bool space_symbols;          /* some have ADDED_SPACE_SYMBOLS */
} added_tokens;

/* Reads the flags, and fills `raw`. EFORMAT: the lists of the file do not fit together or to the vocabulary; ELIMIT; ENOMEM.
 * After a failure a is safe to added_tokens_deinit(). */
SUMI_MUST_USE sumi_status added_tokens_init(added_tokens *a, const vocab *v, const gguf *g, sumi_error *err);
void added_tokens_deinit(added_tokens *a);

/* What normalising makes of a text. *out NULL: it stays as it is; else freed with free(). ENOMEM. */
typedef sumi_status (*added_normalize_fn)(const void *user, const char *text, size_t n, char **out, size_t *n_out);

/* Fills `normal`. Errors as above. */
SUMI_MUST_USE sumi_status added_tokens_normalize(added_tokens *a, const vocab *v, added_normalize_fn normalize,
                                                 const void *user, sumi_error *err);

/* A walk over the tokens of one text; begins as { 0 }. */
typedef struct added_walk {
    size_t from;  /* where the search goes on */
    size_t end;   /* where the last token ended, with its white space: text goes on there */
    size_t white; /* the furthest end of white space behind a token */
} added_walk;

typedef struct added_match {
    int32_t id;
    size_t start, end; /* with its white space; start may lie before the last one's end, if its white space did */
} added_match;

/* The next token of text; false: there is none. normal: look for those of `normal`, else for those of `raw`. control:
 * control tokens count, too. */
bool added_tokens_next(const added_tokens *a, bool normal, bool control, const char *text, size_t n, added_walk *w,
                       added_match *m);

#endif
