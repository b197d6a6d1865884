/* bpe_forward.h - byte-level BPE from left to right, for pieces that span many words.
 *
 * The merge loop looks up every pair of bytes of a piece. Its result can be recognised without the loop: t1 .. tn is the
 * BPE segmentation of its text iff, for every adjacent pair, BPE of that pair's text alone returns that pair.
 *   Only if: the first merge that crosses any border would cross the border of some t_i and t_i+1, before the merges that
 *   are left to do inside these two tokens. BPE of the text of this pair alone would do the same merge.
 *   If: a border that no merge crosses divides the text into two parts whose merges are independent.
 *
 * So the segmentation is unique. The search takes the longest token that may follow the token before it, and backtracks to
 * a shorter token where none may follow. The tokens before a position are determined by the position alone, so a position
 * that was given up once is never tried again. After github.com/github/rust-gems, crate bpe (2024), which requires
 * vocabularies whose ids are ranks; here ranks belong to merges.
 *
 * Whether b may follow a: BPE does the merges inside a and b in the order of their ranks. The test undoes them in reverse
 * order: it looks at the pair (a, b), then splits the token whose last merge has the higher rank and looks at the new pair
 * at the border, and so on down to bytes. BPE would merge such a pair if its rank is below that of the merge just undone.
 *
 *   a = "the":   t+h 2, th+e 7       b = "_cat":   a+t 3, _+c 5, _c+at 9
 *   looked at:   the|_cat   the|_c, before 9   e|_c, before 7   e|_, before 5
 *
 * Only *live* tokens count: tokens that BPE makes of their own text. Each live token always comes from the same merge,
 * even if other merges give the same bytes. A merge list is fit for this file if the merge of each live token comes after
 * the merges of its two parts. Trained lists are fit; the merge loop handles all others.
 *
 * Immutable after bpe_forward_init(). */
#ifndef SUMI_TEXT_BPE_BPE_FORWARD_H
#define SUMI_TEXT_BPE_BPE_FORWARD_H

#include "text/bpe/byte_trie.h"
#include "text/bpe/pair_table.h"
#include "text/id_list.h"

#define BPE_FORWARD_MAX_BYTES 512 /* of a live token; the merge loop handles vocabularies with longer tokens */

typedef struct live_token {
    int32_t left, right; /* its two parts; unused for a byte */
    uint32_t rank_1;     /* rank of the merge of its parts + 1; 0: a byte */
    uint16_t n_bytes;
    uint8_t first, last; /* byte */
} live_token;

typedef struct bpe_forward {
    const vocab *v;
    const pair_table *pairs;
    live_token *made;       /* [n_tokens]; NULL: the list is not fit, and bpe_forward_encode() always returns false */
    byte_trie trie;         /* the live tokens */
    uint64_t *may_merge;    /* bits, by hash: most pairs over a border are in no merge, and this is much smaller */
    uint64_t filter_mask;   /* than the table of pairs */
    uint32_t joins[256][8]; /* bits: the last byte of a token, then the first of one that merges with it */
} bpe_forward;

/* v and pairs are borrowed; merges: in the order of their ranks. ENOMEM; f is safe to bpe_forward_deinit() after
 * a failure. */
SUMI_MUST_USE sumi_status bpe_forward_init(bpe_forward *f, const vocab *v, const pair_table *pairs,
                                           const pair_merge *merges, size_t n_merges, sumi_error *err);
void bpe_forward_deinit(bpe_forward *f);

typedef struct bpe_forward_work { /* belongs to one call */
    uint64_t *left_in_vain;       /* a bit for each position of the piece: given up */
    size_t cap;                   /* words */
    uint64_t n_steps;             /* steps in the trie and lookups of pairs since the start: the measure of work in
                                     tests */
} bpe_forward_work;

/* Appends the tokens of a piece to out, which has room for n. False, with out unchanged: the merge loop must do the piece,
 * because the list is not fit, a byte has no token, memory is short, or the vocabulary would make this search slow. */
bool bpe_forward_encode(const bpe_forward *f, bpe_forward_work *work, const char *piece, size_t n, id_list *out);
void bpe_forward_work_deinit(bpe_forward_work *work);

#endif
