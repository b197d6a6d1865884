/* pretok.h - pre-tokenizers: how a byte-level vocabulary wants text to be cut before merging.
 *
 * Merges never cross a cut, so a model only sees the tokens it was trained with if the cuts are the same, to
 * the character. GGUF names the rule in tokenizer.ggml.pre; the rules are a table of regular expressions
 * (pretok_table.c), and adding one is adding a row.
 *
 * A rule has one or more patterns, applied one after the other: the first cuts the text, the second cuts each
 * of its pieces, and so on. A pattern cuts a piece into its matches and whatever stands between them; nothing
 * is dropped. A pattern does not see beyond the piece that it works on, as in the `tokenizers` library. */
#ifndef SUMI_TEXT_PRETOK_H
#define SUMI_TEXT_PRETOK_H

#include "sumi.h"

#define PRETOK_MAX_PATTERNS 4

typedef struct pretok_rule {
    const char *names[8]; /* values of tokenizer.ggml.pre, NULL at the end */
    /* PCRE2 with UTF and UCP, NULL at the end; none matches the empty text. */
    const char *patterns[PRETOK_MAX_PATTERNS];
    bool ignore_merges; /* a piece that is a token stays whole, whatever the merges would make of it */
    bool add_bos;       /* what a file without tokenizer.ggml.add_bos_token means */
    bool nfc;           /* text is brought to Normalization Form C first */
} pretok_rule;

/* The rule of this name, or NULL. */
const pretok_rule *pretok_find_rule(const char *name, size_t n_bytes);

/* A rule, compiled. Immutable: any number of threads may use it, each with its own pretok_work. */
typedef struct pretok pretok;
typedef struct pretok_work pretok_work;

/* jit: translate to machine code where the machine allows it; the same cuts, about three times faster. */
SUMI_MUST_USE sumi_status pretok_create(pretok **out, const pretok_rule *rule, bool jit, sumi_error *err);
void pretok_destroy(pretok *p);
pretok_work *pretok_work_create(const pretok *p); /* NULL: out of memory */
void pretok_work_destroy(pretok_work *w);

/* Receives the pieces in order; false stops. */
typedef bool (*pretok_piece_fn)(void *user, const char *piece, size_t n_bytes);

/* Cuts text, which must be valid UTF-8. SUMI_OK also when the callback stopped; ENOMEM. */
SUMI_MUST_USE sumi_status pretok_split(const pretok *p, pretok_work *w, const char *text, size_t n_bytes,
                                       pretok_piece_fn piece, void *user);

#endif
