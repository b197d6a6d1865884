/* top.c - see top.h. Values travel in the logprob field of sumi_choice. */
#include "sample/top.h"

#include <math.h>

static bool worse(sumi_choice a, sumi_choice b)
{
    return a.logprob < b.logprob || (a.logprob == b.logprob && a.id > b.id);
}

/* Restores the heap after its root became item: the worse child moves up until item fits. */
static void sift_down(sumi_choice *heap, int32_t n, sumi_choice item)
{
    int32_t hole = 0, child;
    while ((child = 2 * hole + 1) < n) {
        if (child + 1 < n && worse(heap[child + 1], heap[child])) child++;
        if (!worse(heap[child], item)) break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = item;
}

static void sift_up(sumi_choice *heap, int32_t hole, sumi_choice item)
{
    while (hole > 0 && worse(item, heap[(hole - 1) / 2])) {
        heap[hole] = heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap[hole] = item;
}

/* Adds item, which is better than the worst one of a full heap. */
static int32_t push(sumi_choice *heap, int32_t n, int32_t k, sumi_choice item)
{
    if (n < k) {
        sift_up(heap, n, item);
        return n + 1;
    }
    sift_down(heap, k, item);
    return k;
}

/* A bound that at least k values of the row reach, or -inf; best is scratch. */
static float first_bound(const row *r, int32_t k, sumi_choice *best)
{
    int32_t n = 0, n_blocks = row_n_blocks(r->n);
    float bound = -INFINITY;
    if (n_blocks < k) return bound;
    for (int32_t b = 0; b < n_blocks; b++) {
        if (!(r->maxima[b] > bound)) continue;
        n = push(best, n, k, (sumi_choice){ .id = b, .logprob = r->maxima[b] });
        if (n == k) bound = best[0].logprob;
    }
    return bound;
}

int32_t top_heap(const row *r, int32_t first_id, int32_t k, sumi_choice *best, int32_t n_best)
{
    float copy[ROW_BLOCK];
    int32_t at[ROW_BLOCK], n;
    if (k <= 0) return 0;
    /* ids are in rising order, so a value that only equals the worst of a full heap never enters it */
    float bound = n_best == k  ? best[0].logprob
                  : n_best > 0 ? -INFINITY
                               : nextafterf(first_bound(r, k, best), -INFINITY);
    for (int32_t b = 0; b < row_n_blocks(r->n); b++) {
        if (!(r->maxima[b] > bound)) continue;
        const float *x = row_block(r, b, &n, copy);
        int32_t n_above = r->k->above(at, x, n, bound);
        for (int32_t i = 0; i < n_above; i++) {
            if (!(x[at[i]] > bound)) continue; /* bound has risen */
            n_best = push(best, n_best, k,
                          (sumi_choice){ .id = first_id + b * ROW_BLOCK + at[i], .logprob = x[at[i]] });
            if (n_best == k) bound = best[0].logprob;
        }
    }
    return n_best;
}

void top_sort(sumi_choice *best, int32_t k)
{
    for (int32_t n = k - 1; n > 0; n--) { /* the worst of the remaining values moves to the end */
        sumi_choice item = best[n];
        best[n] = best[0];
        sift_down(best, n, item);
    }
}

/* The maxima are kept for a part of the row at a time: this function has no memory but the stack. */
enum { PART = 512 * ROW_BLOCK };

bool row_log_sum_exp(const float *x, int32_t n, double *lse)
{
    const row_kernels *k = row_kernels_for(cpu_best_level());
    float maxima[PART / ROW_BLOCK], max = -INFINITY;
    double sum = 0;
    for (int32_t first = 0; first < n; first += PART) {
        int32_t part = n - first < PART ? n - first : PART;
        if (k->maxima(maxima, x + first, part)) return false;
        for (int32_t b = 0; b < row_n_blocks(part); b++) max = maxima[b] > max ? maxima[b] : max;
    }
    if (!isfinite(max)) return false;
    for (int32_t i = 0; i < n; i += ROW_BLOCK) sum += k->exp_sum(x + i, n - i < ROW_BLOCK ? n - i : ROW_BLOCK, max, 1);
    *lse = (double)max + log(sum);
    return true;
}

int32_t row_rank(const float *x, int32_t n, int32_t id)
{
    int32_t rank = 1;
    for (int32_t i = 0; i < id; i++) rank += x[i] >= x[id];
    for (int32_t i = id + 1; i < n; i++) rank += x[i] > x[id];
    return rank;
}

void sumi_top_logprobs(const float *logits, int32_t n_vocab, int32_t k, sumi_choice *top)
{
    float maxima[PART / ROW_BLOCK];
    const row_kernels *kernels = row_kernels_best();
    int32_t n = 0;
    double sum = 0, lse = 0;
    for (int32_t first = 0; first < n_vocab; first += PART) {
        row r = {
            .k = kernels, .x = logits + first, .n = n_vocab - first < PART ? n_vocab - first : PART, .maxima = maxima
        };
        kernels->maxima(maxima, r.x, r.n);
        n = top_heap(&r, first, k, top, n);
    }
    top_sort(top, n);
    if (n > 0 && top[0].logprob < INFINITY) {
        for (int32_t i = 0; i < n_vocab; i += ROW_BLOCK)
            sum += kernels->exp_sum(logits + i, n_vocab - i < ROW_BLOCK ? n_vocab - i : ROW_BLOCK, top[0].logprob, 1);
        lse = top[0].logprob + log(sum);
    }
    for (int32_t i = 0; i < n; i++) top[i].logprob = (float)(top[i].logprob - lse);
    for (int32_t i = n; i < k; i++) top[i] = (sumi_choice){ .id = -1, .logprob = -INFINITY };
}
