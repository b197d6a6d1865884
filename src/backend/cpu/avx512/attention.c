/* attention.c - the reference's online softmax (ref/attention.c) with AVX-512: a block of KV_BLOCK = 16 scores is one
 * register. head_dim is a multiple of 16, or the AVX2 kernel is called. */
#include "backend/cpu/avx512/avx512.h"

#include <math.h>
#include <string.h>



_Static_assert(KV_BLOCK == 16, "one register of scores");

static inline __m512 load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static float dot_f16(const float *q, const uint16_t *k, int32_t n)
{
    __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
    int32_t i = 0;
    for (; i + 32 <= n; i += 32) {
        even = _mm512_fmadd_ps(_mm512_loadu_ps(q + i), load_f16(k + i), even);
        odd = _mm512_fmadd_ps(_mm512_loadu_ps(q + i + 16), load_f16(k + i + 16), odd);
    }
    if (i < n) even = _mm512_fmadd_ps(_mm512_loadu_ps(q + i), load_f16(k + i), even);
    return _mm512_reduce_add_ps(_mm512_add_ps(even, odd));
}

static void add_values(float *out, const float *p, const uint16_t *v, int32_t from, int32_t to, int32_t head_dim,
                       float shrink)
{
    for (int32_t i = 0; i < head_dim; i += 16) {
        __m512 sum = _mm512_mul_ps(_mm512_loadu_ps(out + i), _mm512_set1_ps(shrink));
        for (int32_t t = from; t <= to; t++)
            sum = _mm512_fmadd_ps(_mm512_set1_ps(p[t]), load_f16(v + (size_t)t * (size_t)head_dim + (size_t)i), sum);
        _mm512_storeu_ps(out + i, sum);
    }
}

static void add_block(const attention_row_args *a, const uint16_t *block, int32_t from, int32_t to, float *m, float *l)
{
    const uint16_t *k = block + a->k_offset, *v = block + a->v_offset;
    size_t head_dim = (size_t)a->head_dim;
    __mmask16 seen = lanes_below(to + 1) & (__mmask16)~lanes_below(from);
    for (int32_t h = 0; h < a->n_group; h++) {
        float score[KV_BLOCK], largest = m[h];
        for (int32_t t = from; t <= to; t++) {
            score[t] = a->scale * dot_f16(a->q + (size_t)h * head_dim, k + (size_t)t * head_dim, a->head_dim);
            largest = score[t] > largest ? score[t] : largest;
        }
        __m512 p = exp_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(seen, score), _mm512_set1_ps(largest)));
        p = _mm512_maskz_mov_ps(seen, p);
        _mm512_storeu_ps(score, p);
        float shrink = expf(m[h] - largest);
        m[h] = largest;
        l[h] = l[h] * shrink + _mm512_reduce_add_ps(p);
        add_values(a->out + (size_t)h * head_dim, score, v, from, to, a->head_dim, shrink);
    }
}

void attention_row_avx512(const attention_row_args *a)
{
    if (a->head_dim % 16) {
        attention_row_avx2(a);
        return;
    }
    float m[ATTN_MAX_GROUP], l[ATTN_MAX_GROUP];
    for (int32_t h = 0; h < a->n_group; h++) {
        m[h] = -INFINITY;
        l[h] = 0;
    }
    memset(a->out, 0, (size_t)a->n_group * (size_t)a->head_dim * sizeof *a->out);
    for (int32_t b = a->first / KV_BLOCK; b <= a->last / KV_BLOCK; b++) {
        int32_t base = b * KV_BLOCK, from = a->first > base ? a->first - base : 0;
        int32_t to = a->last - base < KV_BLOCK ? a->last - base : KV_BLOCK - 1;
        add_block(a, a->blocks + (size_t)a->table[b] * a->block_elems, from, to, m, l);
    }
    for (int32_t h = 0; h < a->n_group; h++)
        for (int32_t i = 0; i < a->head_dim; i++) a->out[h * a->head_dim + i] /= l[h];
}
