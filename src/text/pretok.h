/* pretok.h - pre-tokenizers: how a byte-level vocabulary wants text to be cut before merging.
 *
 * Merges never cross a cut, so a model only sees the tokens it was trained with if the cuts are the same, to
 * the character. GGUF names the rule in tokenizer.ggml.pre; the rules are a table of regular expressions
 * (pretok_table.c), and adding one is adding a row.
 *
 * A rule has one or more patterns, applied one after the other: the first cuts the text, the second cuts each
 * of its pieces, and so on. A pattern cuts a piece into its matches and whatever stands between them; nothing
 * is dropped. A pattern does not see beyond the piece that it works on, as in the `tokenizers` library.
 *
 * Seams: before a space that an ASCII letter follows, and between an ASCII letter and white space, every rule cuts
 * but those that say otherwise, and what stands on one side does not change the cuts on the other. pretok_seam()
 * finds such places without the patterns, so that a caller can remember what became of a stretch between two of
 * them and need not run the patterns again. */
#ifndef SUMI_TEXT_PRETOK_H
#define SUMI_TEXT_PRETOK_H

#include "sumi.h"
#include "text/normalize.h"

#define PRETOK_MAX_PATTERNS 7
#define PRETOK_MAX_NAMES    12

/* Groups of three digits, counted from the right: no regular expression finds them in linear time. A digit is one
 * of category Nd. */
typedef enum pretok_threes {
    THREES_NONE,     /* the pattern is a regular expression */
    THREES_CUT,      /* a cut before each group: (?=(\d{3})+(?!\d)) */
    THREES_ISOLATED, /* runs that end a word become groups, the first of 1 to 3: \d{1,3}(?=(?:\d{3})*\b) */
} pretok_threes;

typedef struct pretok_rule {
    const char *names[PRETOK_MAX_NAMES]; /* values of tokenizer.ggml.pre, NULL at the end */
    /* PCRE2 with UTF and UCP, NULL at the end; none matches the empty text. "": threes[] says what it is. */
    const char *patterns[PRETOK_MAX_PATTERNS];
    pretok_threes threes[PRETOK_MAX_PATTERNS];
    int32_t bytes_from; /* patterns from this one on see bytes, not characters; 0: none does */
    bool ignore_merges; /* a piece that is a token stays whole, whatever the merges would make of it */
    bool add_bos;       /* what a file without tokenizer.ggml.add_bos_token means */
    bool normalizes;    /* text is brought to `form` first */
    normal_form form;
    bool seamless;    /* pieces go on over spaces, or spaces go in pairs: there are no seams */
    bool long_pieces; /* most span many words */
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

/* The rules in the order of the table; NULL: i is beyond the last. */
const pretok_rule *pretok_rule_at(size_t i);

/* The first seam of text behind `from`, or n. Only for rules that are not seamless. */
size_t pretok_seam(const char *text, size_t n, size_t from);

/* Receives the pieces in order; false stops. */
typedef bool (*pretok_piece_fn)(void *user, const char *piece, size_t n_bytes);

/* Cuts text, which must be valid UTF-8. SUMI_OK also when the callback stopped; ENOMEM. */
SUMI_MUST_USE sumi_status pretok_split(const pretok *p, pretok_work *w, const char *text, size_t n_bytes,
                                       pretok_piece_fn piece, void *user);

#endif
