/* pretok.h - pre-tokenizers: cut text before merging, as a byte-level vocabulary requires.
 *
 * Merges never cross a cut, so a model gets the tokens that it was trained with only if the cuts are exactly the same.
 * GGUF names the rule in tokenizer.ggml.pre. The rules are a table of regular expressions (pretok_table.c); a new rule is
 * a new row.
 *
 * A rule has one or more patterns, applied one after the other: the first cuts the text, the second cuts each of its
 * pieces, and so on. A pattern cuts a piece into its matches and the text between them; no text is dropped. A pattern does
 * not see beyond the piece that it works on, as in the `tokenizers` library.
 *
 * Seams: every rule that is not seamless cuts before a space that an ASCII letter follows, and between an ASCII letter and
 * white space; the text on one side of such a place does not change the cuts on the other side. pretok_seam() finds these
 * places without the patterns, so that a caller can cache the result for a stretch between two seams. */
#ifndef SUMI_TEXT_PRETOK_H
#define SUMI_TEXT_PRETOK_H

#include "sumi.h"
#include "text/normalize.h"

#define PRETOK_MAX_PATTERNS 7
#define PRETOK_MAX_NAMES    12

/* Groups of three digits, counted from the right: no regular expression finds them in linear time. A digit is a character
 * of category Nd. */
typedef enum pretok_threes {
    THREES_NONE,     /* the pattern is a regular expression */
    THREES_CUT,      /* a cut before each group: (?=(\d{3})+(?!\d)) */
    THREES_ISOLATED, /* a run at the end of a word becomes groups, the first of 1 to 3 digits: \d{1,3}(?=(?:\d{3})*\b) */
} pretok_threes;

typedef struct pretok_rule {
    const char *names[PRETOK_MAX_NAMES]; /* values of tokenizer.ggml.pre, NULL at the end */
    /* PCRE2 with UTF and UCP, NULL at the end; no pattern matches the empty text. "": threes[] defines the cuts. */
    const char *patterns[PRETOK_MAX_PATTERNS];
    pretok_threes threes[PRETOK_MAX_PATTERNS];
    int32_t bytes_from; /* patterns from this one on see bytes, not characters; 0: no pattern does */
    bool ignore_merges; /* a piece that is a token becomes this token, without merging */
    bool add_bos;       /* the default if a file has no tokenizer.ggml.add_bos_token */
    bool normalizes;    /* text is normalised to `form` first */
    normal_form form;
    bool seamless;    /* pieces continue across spaces, or spaces are cut in pairs: there are no seams */
    bool long_pieces; /* most span many words */
} pretok_rule;

/* The rule of this name, or NULL. */
const pretok_rule *pretok_find_rule(const char *name, size_t n_bytes);

/* A rule, compiled. Immutable: any number of threads may use it, each with its own pretok_work. */
typedef struct pretok pretok;
typedef struct pretok_work pretok_work;

/* jit: translate patterns to machine code if the machine allows it; gives the same cuts, about three times faster. */
SUMI_MUST_USE sumi_status pretok_create(pretok **out, const pretok_rule *rule, bool jit, sumi_error *err);
void pretok_destroy(pretok *p);
pretok_work *pretok_work_create(const pretok *p); /* NULL: out of memory */
void pretok_work_destroy(pretok_work *w);

/* The rules in the order of the table; NULL: i is beyond the last. */
const pretok_rule *pretok_rule_at(size_t i);

/* The first seam of text after `from`, or n. Only for rules that are not seamless. */
size_t pretok_seam(const char *text, size_t n, size_t from);

/* Receives the pieces in order; false stops. */
typedef bool (*pretok_piece_fn)(void *user, const char *piece, size_t n_bytes);

/* Cuts text, which must be valid UTF-8. SUMI_OK also when the callback stopped; ENOMEM. */
SUMI_MUST_USE sumi_status pretok_split(const pretok *p, pretok_work *w, const char *text, size_t n_bytes,
                                       pretok_piece_fn piece, void *user);

#endif
