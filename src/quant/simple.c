/* simple.c - blocks of 32 with one scale, or a scale and an offset: Q4_0 Q4_1 Q5_0 Q5_1 Q8_0.
 *
 * The blocks are drawn in blocks.h. Source: gguf/quants.py of the Python package gguf. */
#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/codecs.h"

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
