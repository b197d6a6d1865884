/* bpe_forward.h - byte-level BPE from left to right, for pieces that span many words.
 *
 * The merge loop asks about every pair of bytes of a piece. But what it ends with can be recognised without it:
 * tokens t1 t2 ... tn are what BPE makes of their text exactly if it leaves each two neighbours as they are, were
 * they alone. (A merge over the border of t_i and t_i+1 would be the first over any border, and come before all
 * that is left to merge in these two: it would come in their text alone, too. And the other way round: a border
 * that no merge crosses divides the work into two that do not know of each other.) So there is one such row of
 * tokens, and it is found like this: take the longest token that may follow the one before it, and go back to a
 * shorter one where nothing may follow. What stands before a place is decided by the place alone, so a place that
 * was left in vain is never tried again. After github.com/github/rust-gems, crate bpe (2024), which is for
 * vocabularies whose ids are ranks; here ranks belong to merges.
 *
 * Whether b may follow a: the merges that make a and b are done in the order of their ranks, and the pairs over the
 * border are looked at from the end to the beginning: (a, b); then with the later of the two taken apart, and so on
 * down to bytes. Such a pair merges if it comes before the merge that was just taken apart.
 *
 *   a = "the":   t+h 2, th+e 7       b = "_cat":   a+t 3, _+c 5, _c+at 9
 *   looked at:   the|_cat   the|_c, before 9   e|_c, before 7   e|_, before 5
 *
 * Only *live* tokens count: those that BPE makes of their own text. Each has one merge that it always comes from,
 * whatever other merges would make it. A list is fit for this file if each live token is made later than its
 * parts; trained lists are. Of others the merge loop takes care.
 *
 * Immutable after bpe_forward_init(). */
#ifndef SUMI_TEXT_BPE_FORWARD_H
#define SUMI_TEXT_BPE_FORWARD_H

#include "text/byte_trie.h"
#include "text/id_list.h"
#include "text/pair_table.h"

#define BPE_FORWARD_MAX_BYTES 512 /* of a live token; lists with longer ones are left to the merge loop */

typedef struct live_token {
    int32_t left, right; /* what it is made of; of a byte: nothing */
    uint32_t rank_1;     /* of that merge + 1; 0: a byte */
    uint16_t n_bytes;
    uint8_t first, last; /* byte */
} live_token;

typedef struct bpe_forward {
    const vocab *v;
    const pair_table *pairs;
    live_token *made; /* [n_tokens]; NULL: the list is not fit, bpe_forward_encode() always says so */
    byte_trie trie;   /* the live tokens */
    uint64_t
        *may_merge; /* bits, by hash: most pairs over a border are in no merge, and this is much smaller */
    uint64_t filter_mask;   /* than the table of pairs */
    uint32_t joins[256][8]; /* bits: the last byte of a token, then the first of one that merges with it */
} bpe_forward;

/* v and pairs are borrowed; merges: in the order of their ranks. ENOMEM; f is safe to bpe_forward_deinit() after
 * a failure. */
SUMI_MUST_USE sumi_status bpe_forward_init(bpe_forward *f, const vocab *v, const pair_table *pairs,
                                           const pair_merge *merges, size_t n_merges, sumi_error *err);
void bpe_forward_deinit(bpe_forward *f);

typedef struct bpe_forward_work { /* belongs to one call */
    uint64_t *left_in_vain;       /* a bit for each place of the piece */
    size_t cap;                   /* words */
    uint64_t n_steps;             /* through the trie and through pairs, ever: the measure of work in tests */
} bpe_forward_work;

/* Appends the tokens of a piece to out, which has room for n. False, with out unchanged: the merge loop must do it,
 * for the list is not fit, a byte has no token, memory is short, or the vocabulary is made to be slow. */
bool bpe_forward_encode(const bpe_forward *f, bpe_forward_work *work, const char *piece, size_t n,
                        id_list *out);
void bpe_forward_work_deinit(bpe_forward_work *work);

#endif
