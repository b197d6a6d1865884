/* simple.c - blocks of 32 with one scale, or a scale and an offset: Q4_0 Q4_1 Q5_0 Q5_1 Q8_0.
 *
 * The blocks are drawn in blocks.h. Source: gguf/quants.py of the Python package gguf, in both directions bit for bit.
 * Encoding maps the extreme values of a block to the ends of the grid: the value of largest magnitude to -8 or -16
 * (Q4_0, Q5_0; the scale is negative if it is positive), the smallest and largest to 0 and 15 or 31 (Q4_1, Q5_1). */
#include <math.h>

#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/codecs.h"
#include "quant/fit.h"

/* Bit 4 of the q of element i of a 5-bit block. */
static inline int high_bit(const uint8_t qh[4], int i)
{
    return (qh[i / 8] >> (i % 8) & 1) << 4;
}

void decode_q4_0(const void *src, float *dst, int64_t n)
{
    const block_q4_0 *b = src;
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK) {
        float d = fp16_to_f32(b->d);
        for (int i = 0; i < QK / 2; i++) {
            dst[i] = d * (float)((b->qs[i] & 15) - 8);
            dst[i + QK / 2] = d * (float)((b->qs[i] >> 4) - 8);
        }
    }
}

void decode_q4_1(const void *src, float *dst, int64_t n)
{
    const block_q4_1 *b = src;
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK) {
        float d = fp16_to_f32(b->d), m = fp16_to_f32(b->m);
        for (int i = 0; i < QK / 2; i++) {
            dst[i] = d * (float)(b->qs[i] & 15) + m;
            dst[i + QK / 2] = d * (float)(b->qs[i] >> 4) + m;
        }
    }
}

void decode_q5_0(const void *src, float *dst, int64_t n)
{
    const block_q5_0 *b = src;
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK) {
        float d = fp16_to_f32(b->d);
        for (int i = 0; i < QK / 2; i++) {
            dst[i] = d * (float)(((b->qs[i] & 15) | high_bit(b->qh, i)) - 16);
            dst[i + QK / 2] = d * (float)(((b->qs[i] >> 4) | high_bit(b->qh, i + QK / 2)) - 16);
        }
    }
}

void decode_q5_1(const void *src, float *dst, int64_t n)
{
    const block_q5_1 *b = src;
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK) {
        float d = fp16_to_f32(b->d), m = fp16_to_f32(b->m);
        for (int i = 0; i < QK / 2; i++) {
            dst[i] = d * (float)((b->qs[i] & 15) | high_bit(b->qh, i)) + m;
            dst[i + QK / 2] = d * (float)((b->qs[i] >> 4) | high_bit(b->qh, i + QK / 2)) + m;
        }
    }
}

void decode_q8_0(const void *src, float *dst, int64_t n)
{
    const block_q8_0 *b = src;
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK) {
        float d = fp16_to_f32(b->d);
        for (int i = 0; i < QK; i++) dst[i] = d * (float)b->qs[i];
    }
}

/* ---- Encoding ---- */

/* v without its fraction, in 0..high. */
static int truncate(float v, int high)
{
    return !(v > 0) ? 0 : v >= (float)high ? high : (int)v;
}

/* The first value of largest magnitude. */
static float extreme(const float *x)
{
    float best = x[0];
    for (int i = 1; i < QK; i++)
        if (fabsf(x[i]) > fabsf(best)) best = x[i];
    return best;
}

static void min_max(const float *x, float *min, float *max)
{
    *min = *max = x[0];
    for (int i = 1; i < QK; i++) {
        if (x[i] < *min) *min = x[i];
        if (x[i] > *max) *max = x[i];
    }
}

static void pack_nibbles(const uint8_t q[QK], uint8_t qs[QK / 2])
{
    for (int i = 0; i < QK / 2; i++) qs[i] = (uint8_t)((q[i] & 15) | (q[i + QK / 2] & 15) << 4);
}

static void pack_high_bits(const uint8_t q[QK], uint8_t qh[4])
{
    for (int i = 0; i < 4; i++) qh[i] = 0;
    for (int i = 0; i < QK; i++) qh[i / 8] |= (uint8_t)(q[i] >> 4 << (i % 8));
}

/* One scale, q - middle in -middle..middle - 1. Returns the scale. */
static float quantise_scaled(const float *x, int middle, uint8_t q[QK])
{
    float d = extreme(x) / (float)-middle, inv = fit_inverse(d);
    for (int i = 0; i < QK; i++) q[i] = (uint8_t)truncate(x[i] * inv + ((float)middle + 0.5f), 2 * middle - 1);
    return d;
}

/* Scale and offset, q in 0..q_max. Returns the scale. */
static float quantise_offset(const float *x, int q_max, float *min, uint8_t q[QK])
{
    float max;
    min_max(x, min, &max);
    float d = (max - *min) / (float)q_max, inv = fit_inverse(d);
    for (int i = 0; i < QK; i++) q[i] = (uint8_t)truncate((x[i] - *min) * inv + 0.5f, q_max);
    return d;
}

void encode_q4_0(const float *src, void *dst, int64_t n)
{
    block_q4_0 *b = dst;
    uint8_t q[QK];
    for (int64_t k = 0; k < n / QK; k++, b++, src += QK) {
        b->d = fp16_from_f32(quantise_scaled(src, 8, q));
        pack_nibbles(q, b->qs);
    }
}

void encode_q4_1(const float *src, void *dst, int64_t n)
{
    block_q4_1 *b = dst;
    uint8_t q[QK];
    float min;
    for (int64_t k = 0; k < n / QK; k++, b++, src += QK) {
        b->d = fp16_from_f32(quantise_offset(src, 15, &min, q));
        b->m = fp16_from_f32(min);
        pack_nibbles(q, b->qs);
    }
}

void encode_q5_0(const float *src, void *dst, int64_t n)
{
    block_q5_0 *b = dst;
    uint8_t q[QK];
    for (int64_t k = 0; k < n / QK; k++, b++, src += QK) {
        b->d = fp16_from_f32(quantise_scaled(src, 16, q));
        pack_high_bits(q, b->qh);
        pack_nibbles(q, b->qs);
    }
}

void encode_q5_1(const float *src, void *dst, int64_t n)
{
    block_q5_1 *b = dst;
    uint8_t q[QK];
    float min;
    for (int64_t k = 0; k < n / QK; k++, b++, src += QK) {
        b->d = fp16_from_f32(quantise_offset(src, 31, &min, q));
        b->m = fp16_from_f32(min);
        pack_high_bits(q, b->qh);
        pack_nibbles(q, b->qs);
    }
}

void encode_q8_0(const float *src, void *dst, int64_t n)
{
    block_q8_0 *b = dst;
    for (int64_t k = 0; k < n / QK; k++, b++, src += QK) {
        float d = fabsf(extreme(src)) / 127, inv = fit_inverse(d);
        b->d = fp16_from_f32(d);
        for (int i = 0; i < QK; i++) {
            float r = roundf(src[i] * inv); /* half away from zero */
            b->qs[i] = (int8_t)(r > 127 ? 127 : r > -127 ? (int)r : -127);
        }
    }
}
