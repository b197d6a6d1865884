/* bpe_forward.c - see bpe_forward.h. */
#include "text/bpe/bpe_forward.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Steps for each byte of a piece, above which the merge loop is the better way (English takes 3); and for each merge
 * of a list while live tokens are found, above which it is made to be slow. */
#define STEPS_PER_BYTE  64
#define STEPS_PER_MERGE 64

/* ---- Preparing ---------------------------------------------------------------------------------------------- */

typedef struct builder {
    bpe_forward *f;
    uint8_t *state;   /* [n_tokens] of the enum */
    uint64_t n_steps; /* through pairs */
} builder;

enum { NOT_YET, LIVE, NAMED_EARLY /* named by a merge that comes before all merges that make the token */ };

static uint64_t filter_bit(const bpe_forward *f, int32_t left, int32_t right)
{
    return hash_u64(f->pairs->key, pair_key(left, right)) >> 24 & f->filter_mask;
}

/* The rank of the merge of left and right, or UINT32_MAX. */
static uint32_t rank_of(const bpe_forward *f, int32_t left, int32_t right)
{
    int32_t merged;
    uint64_t bit = filter_bit(f, left, right);
    if (!(f->may_merge[bit / 64] >> bit % 64 & 1)) return UINT32_MAX;
    return pair_table_find(f->pairs, left, right, &merged);
}

/* Whether a merge crosses the border of the live tokens a and b before they are whole; it does not cross any more
 * if its rank is `before` or higher. */
static bool merges_below(const bpe_forward *f, int32_t a, int32_t b, uint64_t *n_steps)
{
    for (uint32_t before;; ++*n_steps) {
        const live_token *left = &f->made[a], *right = &f->made[b];
        if (left->rank_1 > right->rank_1) {
            before = left->rank_1 - 1;
            a = left->right;
        } else if (right->rank_1) { /* of the same merge on both sides the left one is done first */
            before = right->rank_1;
            b = right->left;
        } else {
            return false;
        }
        if (rank_of(f, a, b) < before) return true;
    }
}

/* Checks whether the next merge makes a live token. False: the list is not fit. */
static bool add_merge(builder *b, const pair_merge *m, uint32_t rank)
{
    bpe_forward *f = b->f;
    const live_token *left = &f->made[m->left], *right = &f->made[m->right];
    if (b->state[m->left] != LIVE || b->state[m->right] != LIVE) {
        if (b->state[m->left] != LIVE) b->state[m->left] = NAMED_EARLY;
        if (b->state[m->right] != LIVE) b->state[m->right] = NAMED_EARLY;
        return true;
    }
    f->joins[left->last][right->first / 32] |= 1u << right->first % 32;
    uint64_t bit = filter_bit(f, m->left, m->right);
    f->may_merge[bit / 64] |= (uint64_t)1 << bit % 64;
    if (b->state[m->merged] == LIVE) return f->made[m->merged].rank_1; /* no merge may make a single byte */
    if (merges_below(f, m->left, m->right, &b->n_steps)) return true;
    /* A user-defined token may stand for other bytes than its symbol does; then it has more of them. */
    uint32_t n_bytes = (uint32_t)left->n_bytes + right->n_bytes;
    if (b->state[m->merged] == NAMED_EARLY || n_bytes > BPE_FORWARD_MAX_BYTES || n_bytes != f->v->raw[m->merged].n)
        return false;
    f->made[m->merged] = (live_token){ m->left, m->right, rank + 1, (uint16_t)n_bytes, left->first, right->last };
    b->state[m->merged] = LIVE;
    return true;
}

static bool add_bytes(builder *b)
{
    const vocab *v = b->f->v;
    for (int byte = 0; byte < 256; byte++) {
        int32_t id = v->byte_id[byte];
        if (id < 0) continue;
        if (v->raw[id].n != 1 || (uint8_t)v->raw[id].data[0] != byte) return false;
        b->state[id] = LIVE;
        b->f->made[id] = (live_token){ -1, -1, 0, 1, (uint8_t)byte, (uint8_t)byte };
    }
    return true;
}

/* Finds the live tokens: state becomes whether a token is one. False: the list is not fit. */
static bool find_live(builder *b, const pair_merge *merges, size_t n_merges)
{
    if (!add_bytes(b)) return false;
    uint64_t most = STEPS_PER_MERGE * (uint64_t)n_merges;
    for (size_t i = 0; i < n_merges; i++)
        if (merges[i].merged >= 0 && (!add_merge(b, &merges[i], (uint32_t)i) || b->n_steps > most)) return false;
    for (int32_t id = 0; id < b->f->v->n_tokens; id++) b->state[id] = b->state[id] == LIVE;
    return true;
}

static sumi_status fill(builder *b, const pair_merge *merges, size_t n_merges)
{
    bpe_forward *f = b->f;
    uint64_t n_bits = 512;
    while (n_bits < 8 * (uint64_t)n_merges) n_bits *= 2;
    f->filter_mask = n_bits - 1;
    f->may_merge = calloc(n_bits / 64, sizeof *f->may_merge);
    f->made = calloc((size_t)f->v->n_tokens, sizeof *f->made);
    b->state = calloc((size_t)f->v->n_tokens, sizeof *b->state);
    if (!f->may_merge || !f->made || !b->state) return SUMI_ENOMEM;
    sumi_status status = find_live(b, merges, n_merges) ? byte_trie_init(&f->trie, f->v, b->state) : SUMI_ELIMIT;
    if (status) bpe_forward_deinit(f);
    return status;
}

sumi_status bpe_forward_init(bpe_forward *f, const vocab *v, const pair_table *pairs, const pair_merge *merges,
                             size_t n_merges, sumi_error *err)
{
    *f = (bpe_forward){ .v = v, .pairs = pairs };
    builder b = { .f = f };
    sumi_status status = fill(&b, merges, n_merges);
    free(b.state);
    if (status != SUMI_ENOMEM) return SUMI_OK; /* lists that are not fit are fine, too */
    return sumi_fail(err, SUMI_ENOMEM, "parts of %d tokens: out of memory", v->n_tokens);
}

void bpe_forward_deinit(bpe_forward *f)
{
    byte_trie_deinit(&f->trie);
    free(f->may_merge);
    free(f->made);
    f->may_merge = NULL;
    f->made = NULL;
}

/* ---- Encoding ----------------------------------------------------------------------------------------------- */

void bpe_forward_work_deinit(bpe_forward_work *work)
{
    free(work->left_in_vain);
    *work = (bpe_forward_work){ 0 };
}

typedef struct walk {
    const bpe_forward *f;
    bpe_forward_work *work;
    const char *piece;
    size_t n, at;
    int32_t last;  /* the token before `at`, or -1 */
    bool has_been; /* some place was left in vain */
    id_list *out;
} walk;

static bool in_vain(const walk *w, size_t at)
{
    return w->has_been && w->work->left_in_vain[at / 64] >> at % 64 & 1;
}

static bool mark_in_vain(walk *w, size_t at)
{
    size_t n_words = w->n / 64 + 1;
    if (!w->has_been) {
        if (n_words > w->work->cap) {
            uint64_t *words = realloc(w->work->left_in_vain, n_words * sizeof *words);
            if (!words) return false;
            w->work->left_in_vain = words;
            w->work->cap = n_words;
        }
        memset(w->work->left_in_vain, 0, n_words * sizeof *w->work->left_in_vain);
        w->has_been = true;
    }
    w->work->left_in_vain[at / 64] |= (uint64_t)1 << at % 64;
    return true;
}

/* Whether token id may follow w->last. */
static bool may_follow(const walk *w, int32_t id)
{
    if (w->at == 0) return true;
    uint8_t before = (uint8_t)w->piece[w->at - 1], first = (uint8_t)w->piece[w->at];
    if (!(w->f->joins[before][first / 32] >> first % 32 & 1)) return true;
    return rank_of(w->f, w->last, id) == UINT32_MAX && !merges_below(w->f, w->last, id, &w->work->n_steps);
}

/* The longest token of less than `below` bytes that may follow at w->at, or -1. */
static int32_t find_next(walk *w, size_t below)
{
    int32_t found[BPE_FORWARD_MAX_BYTES];
    size_t n = w->n - w->at < below ? w->n - w->at : below - 1;
    size_t n_found = byte_trie_walk(&w->f->trie, w->piece + w->at, n, found, &w->work->n_steps);
    while (n_found) {
        int32_t id = found[--n_found];
        if (!in_vain(w, w->at + w->f->made[id].n_bytes) && may_follow(w, id)) return id;
    }
    return -1;
}

/* Removes the last token. *n_bytes: its length. False: there is no token, or no memory. */
static bool step_back(walk *w, size_t first, size_t *n_bytes)
{
    if (w->out->n == first || !mark_in_vain(w, w->at)) return false;
    *n_bytes = w->f->made[w->last].n_bytes;
    w->at -= *n_bytes;
    w->out->n--;
    w->last = w->out->n > first ? w->out->ids[w->out->n - 1] : -1;
    return true;
}

bool bpe_forward_encode(const bpe_forward *f, bpe_forward_work *work, const char *piece, size_t n, id_list *out)
{
    if (!f->made) return false;
    size_t first = out->n, below = SIZE_MAX;
    uint64_t most = work->n_steps + (uint64_t)n * STEPS_PER_BYTE;
    walk w = { .f = f, .work = work, .piece = piece, .n = n, .last = -1, .out = out };
    while (w.at < n) {
        int32_t id = find_next(&w, below);
        below = SIZE_MAX;
        bool stuck = f->v->byte_id[(uint8_t)piece[w.at]] < 0 || work->n_steps > most;
        if (id >= 0) {
            out->ids[out->n++] = w.last = id;
            w.at += f->made[id].n_bytes;
        } else if (!stuck) {
            stuck = !step_back(&w, first, &below);
        }
        if (stuck) {
            out->n = first;
            return false;
        }
    }
    return true;
}
