/* alibi.c - attention with linear biases (Press et al. 2021) instead of positions: a score decreases with the distance of
 * the two tokens; each head has its own slope.
 *
 * n heads, n a power of 2:   head h has the slope 2^(-max_bias (h + 1) / n); max_bias is 8 in the paper
 * otherwise                  with m the largest power of 2 below n: the first m heads have the slopes of m heads, the other
 *                            heads the slopes of 2 m heads that lie between them: every other one */
#include <math.h>

#include "base/mem.h"
#include "model/loader.h"

static float slope(float max_bias, int32_t h, int32_t n_heads)
{
    int32_t n = 1;
    while (2 * n <= n_heads) n *= 2;
    float step = max_bias / (float)n;
    return h < n ? exp2f(-step * (float)(h + 1)) : exp2f(-step / 2 * (float)(2 * (h - n) + 1));
}

void loader_alibi(loader *l)
{
    const hparams *h = &l->m->h;
    if (h->max_alibi_bias == 0) return;
    l->m->alibi = mem_alloc((size_t)h->n_heads * sizeof(float));
    if (!l->m->alibi) loader_fail(l, SUMI_ENOMEM, "out of memory");
    for (int32_t i = 0; l->m->alibi && i < h->n_heads; i++) l->m->alibi[i] = slope(h->max_alibi_bias, i, h->n_heads);
}
