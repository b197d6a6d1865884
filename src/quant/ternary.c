/* ternary.c - weights of -1, 0 and 1 under one scale for 256: TQ1_0 (base 3, 1.69 bits) and TQ2_0 (2.06 bits).
 *
 * The blocks are drawn in blocks.h. TQ1_0 keeps five digits t0..t4 of base 3 in a byte as a fixed-point fraction,
 *
 *   byte = ceil(256 * (t0 t1 t2 t3 t4 in base 3) / 243)
 *
 * so that a digit is read without division: multiplying by 3^n modulo 256 throws away the digits before t[n], and
 * the integer part of three times the rest is t[n]. Encoding takes the largest magnitude as scale and rounds: right for
 * weights that were trained to be ternary, useless for others. Source: gguf/quants.py of the Python package gguf. */
#include <math.h>
#include <string.h>

#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/codecs.h"
#include "quant/fit.h"

void decode_tq1_0(const void *src, float *dst, int64_t n)
{
    const block_tq1_0 *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K) {
        float d = fp16_to_f32(b->d);
        for (int e = 0; e < 160; e++) dst[e] = d * (float)(base3_digit(b->qs[e % 32], e / 32) - 1);
        for (int e = 0; e < 80; e++) dst[160 + e] = d * (float)(base3_digit(b->qs[32 + e % 16], e / 16) - 1);
        for (int e = 0; e < 16; e++) dst[240 + e] = d * (float)(base3_digit(b->qh[e % 4], e / 4) - 1);
    }
}

void decode_tq2_0(const void *src, float *dst, int64_t n)
{
    const block_tq2_0 *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K) {
        float d = fp16_to_f32(b->d);
        for (int e = 0; e < QK_K; e++) dst[e] = d * (float)(two_bits(b->qs, e) - 1);
    }
}

/* ---- Encoding ---- */

/* The digits x / d + 1, 0..2, where d is the largest magnitude. Returns d. */
static float quantise_ternary(const float *x, uint8_t q[QK_K])
{
    float d = 0;
    for (int i = 0; i < QK_K; i++) d = fmaxf(d, fabsf(x[i]));
    float inv = fit_inverse(d);
    for (int i = 0; i < QK_K; i++) {
        float r = x[i] * inv;
        q[i] = r >= 0.5f ? 2 : r <= -0.5f ? 0 : 1; /* half away from zero */
    }
    return d;
}

/* n_digits (4 or 5) digits, stride apart, as one byte. */
static uint8_t base3_byte(const uint8_t *q, int stride, int n_digits)
{
    int value = 0;
    for (int i = 0; i < 5; i++) value = value * 3 + (i < n_digits ? q[i * stride] : 0);
    return (uint8_t)((value * 256 + 242) / 243);
}

void encode_tq1_0(const float *src, void *dst, int64_t n)
{
    block_tq1_0 *b = dst;
    uint8_t q[QK_K];
    for (int64_t k = 0; k < n / QK_K; k++, b++, src += QK_K) {
        b->d = fp16_from_f32(quantise_ternary(src, q));
        for (int i = 0; i < 32; i++) b->qs[i] = base3_byte(q + i, 32, 5);
        for (int i = 0; i < 16; i++) b->qs[32 + i] = base3_byte(q + 160 + i, 16, 5);
        for (int i = 0; i < 4; i++) b->qh[i] = base3_byte(q + 240 + i, 4, 4);
    }
}

void encode_tq2_0(const float *src, void *dst, int64_t n)
{
    block_tq2_0 *b = dst;
    uint8_t q[QK_K];
    for (int64_t k = 0; k < n / QK_K; k++, b++, src += QK_K) {
        b->d = fp16_from_f32(quantise_ternary(src, q));
        memset(b->qs, 0, sizeof b->qs);
        for (int e = 0; e < QK_K; e++) put_two_bits(b->qs, e, q[e]);
    }
}
