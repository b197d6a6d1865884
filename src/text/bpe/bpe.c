/* bpe.c - see bpe.h. */
#include "text/bpe/bpe.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_WORD 32 /* symbols; above this the heap is faster than scanning (both give the same result) */

void bpe_init(bpe *b)
{
    *b = (bpe){ 0 };
}

void bpe_deinit(bpe *b)
{
    free(b->symbols);
    free(b->heap);
    *b = (bpe){ 0 };
}

bool bpe_reserve(bpe *b, size_t n)
{
    if (n <= b->cap) return true;
    size_t cap = n < 64 ? 64 : n < SIZE_MAX / 4 / sizeof *b->symbols ? n + n / 2 : n;
    bpe_symbol *symbols = realloc(b->symbols, cap * sizeof *symbols);
    if (!symbols) return false;
    b->symbols = symbols;
    b->cap = cap;
    return true;
}

/* Looks up the pair of symbol i and its right neighbour. */
static void ask(bpe *b, int32_t i, bpe_pair_fn pair, const void *user)
{
    bpe_symbol *left = &b->symbols[i];
    left->order = BPE_NO_PAIR;
    if (left->id < 0 || left->next < 0 || b->symbols[left->next].id < 0) return;
    b->n_questions++;
    left->order = pair(user, left, &b->symbols[left->next], &left->merged);
}

/* Symbol i becomes the token of its pair and takes the place of both. */
static void join(bpe *b, int32_t i)
{
    bpe_symbol *left = &b->symbols[i], *right = &b->symbols[left->next];
    left->id = left->merged;
    left->n_bytes += right->n_bytes;
    left->n_chars += right->n_chars;
    left->next = right->next;
    if (right->next >= 0) b->symbols[right->next].prev = i;
    right->order = BPE_NO_PAIR; /* entries of the heap that still name it are stale */
}

static void merge_short(bpe *b, bpe_pair_fn pair, const void *user)
{
    for (;;) {
        uint32_t best = BPE_NO_PAIR;
        int32_t at = -1;
        for (int32_t i = 0; i >= 0; i = b->symbols[i].next) {
            if (b->symbols[i].order >= best) continue;
            best = b->symbols[i].order;
            at = i;
        }
        if (at < 0) return;
        join(b, at);
        if (b->symbols[at].prev >= 0) ask(b, b->symbols[at].prev, pair, user);
        ask(b, at, pair, user);
    }
}

static void sift_down(uint64_t *heap, size_t n, size_t i)
{
    uint64_t x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= x) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

static void push(uint64_t *heap, size_t *n, uint64_t x)
{
    size_t i = (*n)++;
    for (; i > 0 && heap[(i - 1) / 2] > x; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

static void push_pair(bpe *b, size_t *n, int32_t i)
{
    uint32_t order = b->symbols[i].order;
    if (order != BPE_NO_PAIR) push(b->heap, n, (uint64_t)order << 32 | (uint32_t)i);
}

static sumi_status merge_long(bpe *b, size_t n, bpe_pair_fn pair, const void *user)
{
    if (b->cap_heap < n) { /* n - 1 pairs at the start, and two more for each of at most n - 1 merges */
        uint64_t *heap = realloc(b->heap, 3 * n * sizeof *heap);
        if (!heap) return SUMI_ENOMEM;
        b->heap = heap;
        b->cap_heap = n;
    }
    size_t n_heap = 0;
    for (size_t i = 0; i < n; i++)
        if (b->symbols[i].order != BPE_NO_PAIR) b->heap[n_heap++] = (uint64_t)b->symbols[i].order << 32 | i;
    for (size_t i = n_heap / 2; i-- > 0;) sift_down(b->heap, n_heap, i);
    while (n_heap) {
        uint64_t top = b->heap[0];
        int32_t i = (int32_t)(uint32_t)top;
        b->heap[0] = b->heap[--n_heap];
        if (n_heap) sift_down(b->heap, n_heap, 0);
        if (b->symbols[i].order != top >> 32) continue;
        join(b, i);
        int32_t prev = b->symbols[i].prev;
        ask(b, i, pair, user);
        push_pair(b, &n_heap, i);
        if (prev < 0) continue;
        ask(b, prev, pair, user);
        push_pair(b, &n_heap, prev);
    }
    return SUMI_OK;
}

sumi_status bpe_merge(bpe *b, size_t n, bpe_pair_fn pair, const void *user)
{
    for (size_t i = 0; i < n; i++) {
        b->symbols[i].prev = (int32_t)i - 1;
        b->symbols[i].next = i + 1 < n ? (int32_t)i + 1 : -1;
    }
    for (size_t i = 0; i < n; i++) ask(b, (int32_t)i, pair, user);
    if (n > SHORT_WORD) return merge_long(b, n, pair, user);
    merge_short(b, pair, user);
    return SUMI_OK;
}
