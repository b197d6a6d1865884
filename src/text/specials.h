/* specials.h - finds special tokens in text: control tokens and user-defined ones. added_tokens.h handles their flags.
 *
 * At each position the longest token wins, and the leftmost position wins over later ones. A user-defined token is part of
 * the vocabulary's plain text ("\n\n", "<table>") and is always found; a control token ("<|im_end|>") is found only if the
 * caller trusts the text. `tokenizers` and llama.cpp do the same.
 *
 * A trie whose edges are in one hash table; the first byte has a direct table. A text of n bytes takes n steps plus, at each
 * position where a token may begin, at most SPECIALS_MAX_TOKEN_BYTES steps.
 *
 * Immutable after specials_init(). */
#ifndef SUMI_TEXT_SPECIALS_H
#define SUMI_TEXT_SPECIALS_H

#include "text/vocab.h"

#define SPECIALS_MAX_TOKEN_BYTES 1024
#define SPECIALS_MAX_BYTES       (4 << 20) /* of all special tokens together */

typedef struct special_node {
    int32_t control, user; /* the token that ends here, of each kind; -1: none */
} special_node;

typedef struct special_edge {
    uint32_t from_byte; /* node << 8 | byte */
    uint32_t to;        /* node; 0, the root, marks an empty slot */
} special_edge;

typedef struct specials {
    special_node *nodes; /* [n_nodes], the first is the root */
    special_edge *edges; /* [mask + 1] */
    uint32_t n_nodes;
    uint64_t mask;
    hash_key key;
    uint32_t first[256];  /* the root's edges; 0: no token begins with this byte */
    bool first_user[256]; /* a user-defined token begins with this byte */
} specials;

typedef struct special_token {
    vocab_text text;
    int32_t id;
    bool user; /* user-defined, else a control token */
} special_token;

/* Whether token id is searched in text at all. */
bool specials_has(const vocab *v, int32_t id);

/* Of tokens with the same text the last one is found. ELIMIT: tokens are longer than the limits above allow; ENOMEM. s is
 * safe to specials_deinit() after a failure. */
SUMI_MUST_USE sumi_status specials_init(specials *s, const special_token *tokens, size_t n, sumi_error *err);
void specials_deinit(specials *s);

/* The first special token in text at or after from: its id, where it starts and ends; -1: there is none.
 * control: control tokens count too. */
int32_t specials_find(const specials *s, const char *text, size_t n, size_t from, bool control, size_t *start,
                      size_t *end);

#endif
