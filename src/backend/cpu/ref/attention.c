/* attention.c - softmax(scale q k^T) v over the blocks of a sequence, without a score matrix.
 *
 * Online softmax (Milakov & Gimelshein 2018; the inner loop of FlashAttention, Dao et al. 2022). After each block
 *   m = largest score so far,  l = sum exp(score - m),  out = sum exp(score - m) v
 * and a larger m in a later block scales l and out down. Blocks are visited in order of position, always cut at
 * multiples of KV_BLOCK, so the sums do not depend on how the prompt was cut into steps.
 *
 * Each chunk of ATTN_CHUNK positions has sums of its own, which join those of the chunks before it by the same rule
 * (split-KV, Dao et al. 2023): chunks may be computed anywhere, as long as they are merged in order. */
#include "backend/cpu/ref/ref.h"

#include <math.h>

#include "backend/cpu/kv_block.h"

typedef struct running {
    float m, l, *out; /* out [v_dim] */
} running;

/* Key t of K: a column, or a row as long as a value's. */
static float score_of(const attention_tile_args *a, const float *q, const uint8_t *k, int32_t t)
{
    float key[ATTN_MAX_HEAD], sum = 0;
    if (a->latent) kv_codec_of(a->format)->load_row(key, k + (size_t)t * a->v_stride, a->head_dim);
    else kv_codec_of(a->format)->load_key(key, k, t, a->head_dim);
    for (int32_t i = 0; i < a->head_dim; i++) sum += q[i] * key[i];
    sum *= a->scale;
    return a->softcap > 0 ? a->softcap * ref_tanh(sum / a->softcap) : sum;
}

/* m = -inf: nothing seen yet. */
static void reset(running *s, int32_t v_dim)
{
    s->m = -INFINITY;
    s->l = 0;
    for (int32_t i = 0; i < v_dim; i++) s->out[i] = 0;
}

/* Adds slots from..to of the block of positions base .. to the sums of one row. */
static void add_block(const attention_tile_args *a, int32_t row, int32_t base, int32_t from, int32_t to, running *s)
{
    const uint8_t *block = a->blocks + (size_t)a->table[base / KV_BLOCK] * a->block_stride;
    const uint8_t *k = block + a->k_offset, *v = block + a->v_offset;
    float score[KV_BLOCK], value[ATTN_MAX_HEAD], largest = s->m;
    for (int32_t t = from; t <= to; t++) {
        int32_t behind = a->slot[row] - base - t;
        score[t] = score_of(a, a->q[row], k, t);
        if (a->alibi) score[t] -= a->slope[row] * (float)(behind < 0 ? -behind : behind);
        largest = score[t] > largest ? score[t] : largest;
    }
    float shrink = expf(s->m - largest); /* 0 in the first block, where m is -inf */
    s->m = largest;
    s->l *= shrink;
    for (int32_t i = 0; i < a->v_dim; i++) s->out[i] *= shrink;
    for (int32_t t = from; t <= to; t++) {
        float p = expf(score[t] - largest);
        s->l += p;
        kv_codec_of(a->format)->load_row(value, v + (size_t)t * a->v_stride, a->v_dim);
        for (int32_t i = 0; i < a->v_dim; i++) s->out[i] += p * value[i];
    }
}

/* The positions of one chunk that the row sees. */
static void sum_chunk(const attention_tile_args *a, int32_t row, int32_t chunk, running *s)
{
    int32_t chunk_end = (chunk + 1) * ATTN_CHUNK - 1; /* its last position */
    int32_t first = a->first[row] > chunk * ATTN_CHUNK ? a->first[row] : chunk * ATTN_CHUNK;
    int32_t last = a->last[row] < chunk_end ? a->last[row] : chunk_end;
    reset(s, a->v_dim);
    for (int32_t b = first / KV_BLOCK; b <= last / KV_BLOCK; b++) {
        int32_t base = b * KV_BLOCK, from = first > base ? first - base : 0;
        int32_t to = last - base < KV_BLOCK ? last - base : KV_BLOCK - 1;
        add_block(a, row, base, from, to, s);
    }
}

/* total += next, whose positions follow. */
static void merge(running *total, float m, float l, const float *out, int32_t v_dim)
{
    float largest = m > total->m ? m : total->m, old = expf(total->m - largest), new = expf(m - largest);
    total->m = largest;
    total->l = total->l * old + l * new;
    for (int32_t i = 0; i < v_dim; i++) total->out[i] = total->out[i] * old + out[i] * new;
}

/* A sink is one more score, of a position whose value is 0: it only makes the sum of weights larger. */
static void finish(running *total, const float *sink, int32_t v_dim)
{
    static const float nothing[ATTN_MAX_HEAD];
    if (sink) merge(total, *sink, 1, nothing, v_dim);
    for (int32_t i = 0; i < v_dim; i++) total->out[i] /= total->l;
}

void attention_tile_ref(const attention_tile_args *a)
{
    for (int32_t row = 0; row < a->n_rows; row++) {
        running part = { .out = a->chunk == ATTN_ALL ? a->scratch : a->out[row] }, total = { .out = a->out[row] };
        if (a->chunk != ATTN_ALL) {
            sum_chunk(a, row, a->chunk, &part);
            part.out[a->v_dim] = part.m;
            part.out[a->v_dim + 1] = part.l;
            continue;
        }
        reset(&total, a->v_dim);
        for (int32_t c = a->first[row] / ATTN_CHUNK; c <= a->last[row] / ATTN_CHUNK; c++) {
            sum_chunk(a, row, c, &part);
            merge(&total, part.m, part.l, part.out, a->v_dim);
        }
        finish(&total, a->sink[row], a->v_dim);
    }
}

void attention_merge_ref(const attention_merge_args *a)
{
    running total = { .out = a->out };
    reset(&total, a->v_dim);
    for (int32_t c = 0; c < a->n; c++) {
        const float *p = a->partials + (size_t)c * a->stride;
        merge(&total, p[a->v_dim], p[a->v_dim + 1], p, a->v_dim);
    }
    finish(&total, a->sink, a->v_dim);
}
