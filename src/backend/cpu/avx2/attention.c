/* attention.c - the reference's online softmax (ref/attention.c) with AVX2.
 *
 * A block of keys is read once for all heads of the group: a row of K is converted chunk by chunk and multiplied with
 * each head's query. head_dim is a multiple of 8, or the reference is called. */
#include "backend/cpu/avx2/avx2.h"

#include <math.h>
#include <string.h>

#include "backend/cpu/ref/ref.h"

static inline __m256 load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static float dot_f16(const float *q, const uint16_t *k, int32_t n)
{
    __m256 even = _mm256_setzero_ps(), odd = _mm256_setzero_ps();
    int32_t i = 0;
    for (; i + 16 <= n; i += 16) {
        even = _mm256_fmadd_ps(_mm256_loadu_ps(q + i), load_f16(k + i), even);
        odd = _mm256_fmadd_ps(_mm256_loadu_ps(q + i + 8), load_f16(k + i + 8), odd);
    }
    if (i < n) even = _mm256_fmadd_ps(_mm256_loadu_ps(q + i), load_f16(k + i), even);
    return sum_lanes(_mm256_add_ps(even, odd));
}

/* score [KV_BLOCK] to exp(score - largest); slots outside from..to give 0. Returns their sum. */
static float softmax_block(float *score, float largest)
{
    __m256 m = _mm256_set1_ps(largest), sum = _mm256_setzero_ps();
    for (int i = 0; i < KV_BLOCK; i += 8) {
        __m256 v = _mm256_loadu_ps(score + i);
        __m256 seen = _mm256_cmp_ps(v, _mm256_set1_ps(-INFINITY), _CMP_NEQ_UQ); /* NaN stays */
        __m256 p = _mm256_and_ps(exp_ps(_mm256_sub_ps(v, m)), seen);
        _mm256_storeu_ps(score + i, p);
        sum = _mm256_add_ps(sum, p);
    }
    return sum_lanes(sum);
}

static void add_values(float *out, const float *p, const uint16_t *v, int32_t from, int32_t to, int32_t head_dim,
                       float shrink)
{
    for (int32_t i = 0; i < head_dim; i += 8) {
        __m256 sum = _mm256_mul_ps(_mm256_loadu_ps(out + i), _mm256_set1_ps(shrink));
        for (int32_t t = from; t <= to; t++)
            sum = _mm256_fmadd_ps(_mm256_set1_ps(p[t]), load_f16(v + (size_t)t * (size_t)head_dim + (size_t)i), sum);
        _mm256_storeu_ps(out + i, sum);
    }
}

static void add_block(const attention_row_args *a, const uint16_t *block, int32_t from, int32_t to, float *m, float *l)
{
    const uint16_t *k = block + a->k_offset, *v = block + a->v_offset;
    size_t head_dim = (size_t)a->head_dim;
    for (int32_t h = 0; h < a->n_group; h++) {
        float score[KV_BLOCK], largest = m[h];
        for (int32_t t = 0; t < KV_BLOCK; t++) score[t] = -INFINITY;
        for (int32_t t = from; t <= to; t++) {
            score[t] = a->scale * dot_f16(a->q + (size_t)h * head_dim, k + (size_t)t * head_dim, a->head_dim);
            largest = score[t] > largest ? score[t] : largest;
        }
        float shrink = expf(m[h] - largest);
        m[h] = largest;
        l[h] = l[h] * shrink + softmax_block(score, largest);
        add_values(a->out + (size_t)h * head_dim, score, v, from, to, a->head_dim, shrink);
    }
}

void attention_row_avx2(const attention_row_args *a)
{
    if (a->head_dim % 8) {
        attention_row_ref(a);
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
