/* kquants_encode.c - writing the K-quants: Q2_K Q3_K Q4_K Q5_K Q6_K.
 *
 * The formats define the meaning of a block, not how to choose its numbers. The choice here, for one super-block of 256:
 *
 *   1. each group gets the scale (and minimum) of its own best fit in float (fit.h)
 *   2. d is the one for which the largest group scale becomes the largest sub-scale; dmin likewise
 *   3. each group's sub-scale (and sub-minimum) is the rounded one or a neighbour, whichever has the least error
 *
 * Fitting d and dmin once more for fixed integers removes half a percent of the error at most, so it is not done.
 * Weights of the errors: fit_weights(). The blocks are drawn in blocks.h. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/codecs.h"
#include "quant/fit.h"

/* The differences of the five types. */
typedef struct shape {
    int group;        /* elements in a group: 16 or 32 */
    int q_min, q_max; /* of an element */
    int sc_min, sc_max;
    bool with_min; /* x = d sc q - dmin mn, all integers >= 0; otherwise x = d sc q */
} shape;

/* A super-block before it is packed. */
typedef struct super {
    float d, dmin; /* values that a half holds exactly */
    int8_t sc[16], mn[16];
    int8_t q[QK_K];
} super;

/* v as a half, without becoming infinite. */
static float to_half(float v)
{
    return fp16_to_f32(fp16_from_f32(fminf(fmaxf(v, -65504.0f), 65504.0f)));
}

static int nearest_ratio(float v, float unit, int low, int high)
{
    return unit != 0 ? fit_round(v / unit, low, high) : 0;
}

/* The error of group j with the sub-scales in s; its q are filled. */
static double round_group(const shape *t, super *s, int j, const float *x, const float *w)
{
    int at = j * t->group;
    return fit_error(x + at, w + at, t->group, s->d * (float)s->sc[j], s->dmin * (float)s->mn[j], t->q_min, t->q_max,
                     s->q + at);
}

/* Steps 1 and 2: scales[] and mins[] of the groups in float, and d and dmin that cover them. */
static void fit_groups(const shape *t, super *s, const float *x, const float *w, float scales[16], float mins[16])
{
    float largest = 0, largest_min = 0;
    for (int j = 0; j < QK_K / t->group; j++) {
        const float *xj = x + j * t->group, *wj = w + j * t->group;
        mins[j] = 0;
        scales[j] = t->with_min ? fit_scale_min(xj, wj, t->group, t->q_max, &mins[j])
                                : fit_scale(xj, wj, t->group, -t->q_min);
        if (fabsf(scales[j]) > fabsf(largest)) largest = scales[j];
        if (mins[j] > largest_min) largest_min = mins[j];
    }
    /* a signed sub-scale has one more value below zero, so the largest scale is mapped there, whatever its sign */
    s->d = to_half(largest / (float)(t->sc_min < 0 ? t->sc_min : t->sc_max));
    s->dmin = to_half(largest_min / (float)t->sc_max);
}

/* Step 3 for group j, starting from scale and min. */
static void choose_sub_scales(const shape *t, super *s, int j, const float *x, const float *w, float scale, float min)
{
    int sc = nearest_ratio(scale, s->d, t->sc_min, t->sc_max), mn = nearest_ratio(min, s->dmin, 0, t->sc_max);
    int best_sc = sc, best_mn = mn, reach = t->with_min ? 1 : 0;
    double best = INFINITY;
    for (int a = sc - 1; a <= sc + 1; a++)
        for (int b = mn - reach; b <= mn + reach; b++) {
            if (a < t->sc_min || a > t->sc_max || b < 0 || b > t->sc_max) continue;
            s->sc[j] = (int8_t)a;
            s->mn[j] = (int8_t)b;
            double error = round_group(t, s, j, x, w);
            if (error < best) best = error, best_sc = a, best_mn = b;
        }
    s->sc[j] = (int8_t)best_sc;
    s->mn[j] = (int8_t)best_mn;
    round_group(t, s, j, x, w);
}

static void encode_super(const shape *t, super *s, const float *x)
{
    float w[QK_K], scales[16], mins[16];
    memset(s, 0, sizeof *s);
    fit_weights(x, QK_K, w);
    fit_groups(t, s, x, w, scales, mins);
    for (int j = 0; j < QK_K / t->group; j++) choose_sub_scales(t, s, j, x, w, scales[j], mins[j]);
}

/* ---- Packing ---- */

void encode_q2_k(const float *src, void *dst, int64_t n)
{
    static const shape t = { 16, 0, 3, 0, 15, true };
    block_q2_k *b = dst;
    super s;
    for (int64_t k = 0; k < n / QK_K; k++, b++, src += QK_K) {
        encode_super(&t, &s, src);
        memset(b, 0, sizeof *b);
        b->d = fp16_from_f32(s.d);
        b->dmin = fp16_from_f32(s.dmin);
        for (int j = 0; j < 16; j++) b->scales[j] = (uint8_t)(s.sc[j] | s.mn[j] << 4);
        for (int e = 0; e < QK_K; e++) put_two_bits(b->qs, e, s.q[e]);
    }
}

void encode_q3_k(const float *src, void *dst, int64_t n)
{
    static const shape t = { 16, -4, 3, -32, 31, false };
    block_q3_k *b = dst;
    super s;
    for (int64_t k = 0; k < n / QK_K; k++, b++, src += QK_K) {
        encode_super(&t, &s, src);
        memset(b, 0, sizeof *b);
        b->d = fp16_from_f32(s.d);
        for (int j = 0; j < 16; j++) {
            int sc = s.sc[j] + 32;
            b->scales[j % 8] |= (uint8_t)((sc & 15) << (j < 8 ? 0 : 4));
            b->scales[8 + j % 4] |= (uint8_t)(sc >> 4 << (2 * (j / 4)));
        }
        for (int e = 0; e < QK_K; e++) {
            int q = s.q[e] + 4;
            put_two_bits(b->qs, e, q & 3);
            b->hmask[e % 32] |= (uint8_t)(q >> 2 << (e / 32));
        }
    }
}

/* The 12 bytes that q4_k_scale_min() of blocks.h reads. */
static void pack_scale_min(const super *s, uint8_t scales[12])
{
    memset(scales, 0, 12);
    for (int j = 0; j < 8; j++) {
        int sc = s->sc[j], mn = s->mn[j];
        if (j < 4) {
            scales[j] |= (uint8_t)sc;
            scales[j + 4] |= (uint8_t)mn;
        } else {
            scales[j + 4] = (uint8_t)((sc & 15) | (mn & 15) << 4);
            scales[j - 4] |= (uint8_t)(sc >> 4 << 6);
            scales[j] |= (uint8_t)(mn >> 4 << 6);
        }
    }
}

void encode_q4_k(const float *src, void *dst, int64_t n)
{
    static const shape t = { 32, 0, 15, 0, 63, true };
    block_q4_k *b = dst;
    super s;
    for (int64_t k = 0; k < n / QK_K; k++, b++, src += QK_K) {
        encode_super(&t, &s, src);
        b->d = fp16_from_f32(s.d);
        b->dmin = fp16_from_f32(s.dmin);
        pack_scale_min(&s, b->scales);
        for (int i = 0; i < QK_K / 2; i++) {
            int e = i / 32 * 64 + i % 32;
            b->qs[i] = (uint8_t)(s.q[e] | s.q[e + 32] << 4);
        }
    }
}

void encode_q5_k(const float *src, void *dst, int64_t n)
{
    static const shape t = { 32, 0, 31, 0, 63, true };
    block_q5_k *b = dst;
    super s;
    for (int64_t k = 0; k < n / QK_K; k++, b++, src += QK_K) {
        encode_super(&t, &s, src);
        b->d = fp16_from_f32(s.d);
        b->dmin = fp16_from_f32(s.dmin);
        pack_scale_min(&s, b->scales);
        for (int i = 0; i < QK_K / 2; i++) {
            int e = i / 32 * 64 + i % 32;
            b->qs[i] = (uint8_t)((s.q[e] & 15) | (s.q[e + 32] & 15) << 4);
        }
        memset(b->qh, 0, sizeof b->qh);
        for (int e = 0; e < QK_K; e++) b->qh[e % 32] |= (uint8_t)(s.q[e] >> 4 << (e / 32));
    }
}

void encode_q6_k(const float *src, void *dst, int64_t n)
{
    static const shape t = { 16, -32, 31, -128, 127, false };
    block_q6_k *b = dst;
    super s;
    for (int64_t k = 0; k < n / QK_K; k++, b++, src += QK_K) {
        encode_super(&t, &s, src);
        memset(b, 0, sizeof *b);
        b->d = fp16_from_f32(s.d);
        memcpy(b->scales, s.sc, sizeof b->scales);
        for (int e = 0; e < QK_K; e++) {
            int q = s.q[e] + 32;
            b->ql[e / 128 * 64 + e % 64] |= (uint8_t)((q & 15) << (e % 128 < 64 ? 0 : 4));
            put_two_bits(b->qh, e, q >> 4);
        }
    }
}
