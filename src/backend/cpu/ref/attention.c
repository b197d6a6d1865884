/* attention.c - softmax(scale q k^T) v of one token over the pages of its sequence, without a score matrix.
 *
 * Online softmax (Milakov & Gimelshein 2018; the inner loop of FlashAttention, Dao et al. 2022). After each block
 *   m = largest score so far,  l = sum exp(score - m),  out = sum exp(score - m) v
 * and a larger m in a later block scales l and out down. Blocks are visited in order of position, always cut at
 * multiples of KV_BLOCK, so the sums do not depend on how the prompt was cut into steps. */
#include "backend/cpu/ref/ref.h"

#include <math.h>

#include "base/fp16.h"

static float dot_f16(const float *q, const uint16_t *k, int32_t n)
{
    float sum = 0;
    for (int32_t i = 0; i < n; i++) sum += q[i] * fp16_to_f32(k[i]);
    return sum;
}

/* Adds slots from..to of one block to the running softmax of one head. */
static void add_block(const attention_row_args *a, const uint16_t *block, const float *q, float *out, int32_t from,
                      int32_t to, float *m, float *l)
{
    float score[KV_BLOCK], largest = *m;
    const uint16_t *k = block + a->k_offset, *v = block + a->v_offset;
    for (int32_t t = from; t <= to; t++) {
        score[t] = a->scale * dot_f16(q, k + (size_t)t * (size_t)a->head_dim, a->head_dim);
        largest = score[t] > largest ? score[t] : largest;
    }
    float shrink = expf(*m - largest); /* 0 in the first block, where m is -inf */
    *m = largest;
    *l *= shrink;
    for (int32_t i = 0; i < a->head_dim; i++) out[i] *= shrink;
    for (int32_t t = from; t <= to; t++) {
        float p = expf(score[t] - largest);
        *l += p;
        for (int32_t i = 0; i < a->head_dim; i++) out[i] += p * fp16_to_f32(v[(size_t)t * (size_t)a->head_dim + (size_t)i]);
    }
}

void attention_row_ref(const attention_row_args *a)
{
    for (int32_t h = 0; h < a->n_group; h++) {
        const float *q = a->q + (size_t)h * (size_t)a->head_dim;
        float *out = a->out + (size_t)h * (size_t)a->head_dim, m = -INFINITY, l = 0;
        for (int32_t i = 0; i < a->head_dim; i++) out[i] = 0;
        for (int32_t b = a->first / KV_BLOCK; b <= a->last / KV_BLOCK; b++) {
            int32_t base = b * KV_BLOCK, from = a->first > base ? a->first - base : 0;
            int32_t to = a->last - base < KV_BLOCK ? a->last - base : KV_BLOCK - 1;
            add_block(a, a->blocks + (size_t)a->table[b] * a->block_elems, q, out, from, to, &m, &l);
        }
        for (int32_t i = 0; i < a->head_dim; i++) out[i] /= l;
    }
}
