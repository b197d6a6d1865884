/* top.c - see top.h. Values travel in the logprob field of sumi_choice. */
#include "sample/top.h"

#include <math.h>

#include "sample/row.h"

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

int32_t top_heap(const float *x, int32_t n, int32_t k, sumi_choice *best)
{
    int32_t n_best = 0;
    float bound = -INFINITY; /* ids come in rising order, so an equal value never replaces one in the heap */
    if (k <= 0) return 0;
    for (int32_t i = 0; i < n; i += ROW_STRIDE) {
        int32_t end = n - i < ROW_STRIDE ? n : i + ROW_STRIDE;
        if (end - i == ROW_STRIDE && !row_any_above(x + i, bound)) continue;
        for (int32_t id = i; id < end; id++) {
            if (!(x[id] > bound)) continue;
            sumi_choice item = { .id = id, .logprob = x[id] };
            if (n_best < k)
                sift_up(best, n_best++, item);
            else
                sift_down(best, k, item);
            if (n_best == k) bound = best[0].logprob;
        }
    }
    return n_best;
}

void top_sort(sumi_choice *best, int32_t k)
{
    for (int32_t n = k - 1; n > 0; n--) { /* the worst of the rest goes behind them */
        sumi_choice item = best[n];
        best[n] = best[0];
        sift_down(best, n, item);
    }
}

void sumi_top_logprobs(const float *logits, int32_t n_vocab, int32_t k, sumi_choice *top)
{
    int32_t n = top_heap(logits, n_vocab, k, top);
    top_sort(top, n);
    double lse = n > 0 && top[0].logprob < INFINITY ? row_log_sum_exp(logits, n_vocab, top[0].logprob) : 0;
    for (int32_t i = 0; i < n; i++) top[i].logprob = (float)(top[i].logprob - lse);
    for (int32_t i = n; i < k; i++) top[i] = (sumi_choice){ .id = -1, .logprob = -INFINITY };
}
