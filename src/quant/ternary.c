/* ternary.c - weights of -1, 0 and 1 under one scale for 256: TQ1_0 (base 3, 1.69 bits) and TQ2_0 (2.06 bits).
 *
 * The blocks are drawn in blocks.h. TQ1_0 keeps five digits t0..t4 of base 3 in a byte as a fixed-point fraction,
 *
 *   byte = ceil(256 * (t0 t1 t2 t3 t4 in base 3) / 243)
 *
 * so that a digit is read without division: multiplying by 3^n modulo 256 throws away the digits before t[n], and
 * the integer part of three times the rest is t[n]. Source: gguf/quants.py of the Python package gguf. */
#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/codecs.h"

/* Digit n (0: the most significant one), 0..2. */
static inline int base3_digit(uint8_t byte, int n)
{
    static const uint8_t power[5] = { 1, 3, 9, 27, 81 };
    return (uint8_t)(byte * power[n]) * 3 >> 8;
}

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
        for (int e = 0; e < QK_K; e++)
            dst[e] = d * (float)((b->qs[e / 128 * 32 + e % 32] >> (2 * (e % 128 / 32)) & 3) - 1);
    }
}
