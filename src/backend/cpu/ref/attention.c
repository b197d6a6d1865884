/* attention.c - softmax(scale q k^T) v over the pages of a sequence, without a score matrix.
 *
 * Online softmax (Milakov & Gimelshein 2018; the inner loop of FlashAttention, Dao et al. 2022). After each block
 *   m = largest score so far,  l = sum exp(score - m),  out = sum exp(score - m) v
 * and a larger m in a later block scales l and out down. Blocks are visited in order of position, always cut at
 * multiples of KV_BLOCK, so the sums do not depend on how the prompt was cut into steps. */
#include "backend/cpu/ref/ref.h"

#include <math.h>

#include "base/fp16.h"

static float element(const attention_tile_args *a, size_t i)
{
    return a->f32 ? ((const float *)a->blocks)[i] : fp16_to_f32(((const uint16_t *)a->blocks)[i]);
}

/* Key t is a column of K, which begins at element k. */
static float dot_key(const attention_tile_args *a, const float *q, size_t k, int32_t t)
{
    float sum = 0;
    for (int32_t i = 0; i < a->head_dim; i++) sum += q[i] * element(a, k + (size_t)(i * KV_BLOCK + t));
    return sum;
}

/* Adds slots from..to of the block that begins at element block to the running softmax of one row. */
static void add_block(const attention_tile_args *a, size_t block, int32_t row, int32_t from, int32_t to, float *m,
                      float *l)
{
    float score[KV_BLOCK], largest = *m, *out = a->out[row];
    size_t k = block + a->k_offset, v = block + a->v_offset;
    for (int32_t t = from; t <= to; t++) {
        score[t] = a->scale * dot_key(a, a->q[row], k, t);
        largest = score[t] > largest ? score[t] : largest;
    }
    float shrink = expf(*m - largest); /* 0 in the first block, where m is -inf */
    *m = largest;
    *l *= shrink;
    for (int32_t i = 0; i < a->head_dim; i++) out[i] *= shrink;
    for (int32_t t = from; t <= to; t++) {
        float p = expf(score[t] - largest);
        *l += p;
        for (int32_t i = 0; i < a->head_dim; i++) out[i] += p * element(a, v + (size_t)(t * a->head_dim + i));
    }
}

void attention_tile_ref(const attention_tile_args *a)
{
    for (int32_t row = 0; row < a->n_rows; row++) {
        float m = -INFINITY, l = 0;
        for (int32_t i = 0; i < a->head_dim; i++) a->out[row][i] = 0;
        for (int32_t b = a->first[row] / KV_BLOCK; b <= a->last[row] / KV_BLOCK; b++) {
            int32_t base = b * KV_BLOCK, from = a->first[row] > base ? a->first[row] - base : 0;
            int32_t to = a->last[row] - base < KV_BLOCK ? a->last[row] - base : KV_BLOCK - 1;
            add_block(a, (size_t)a->table[b] * a->block_elems, row, from, to, &m, &l);
        }
        for (int32_t i = 0; i < a->head_dim; i++) a->out[row][i] /= l;
    }
}
