/* kquants.c - decoding of the K-quants, super-blocks of 256 with scales of scales: Q2_K Q3_K Q4_K Q5_K Q6_K.
 *
 * The blocks are drawn in blocks.h; encoding is in kquants_encode.c. Source: gguf/quants.py of the Python package
 * gguf. The product of the scale and its integer is rounded to float32 before it meets q, as there. */
#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/codecs.h"

void decode_q2_k(const void *src, float *dst, int64_t n)
{
    const block_q2_k *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K) {
        float d = fp16_to_f32(b->d), dmin = fp16_to_f32(b->dmin);
        for (int j = 0; j < QK_K / 16; j++) {
            float scale = d * (float)(b->scales[j] & 15), min = dmin * (float)(b->scales[j] >> 4);
            for (int e = 16 * j; e < 16 * j + 16; e++) dst[e] = scale * (float)two_bits(b->qs, e) - min;
        }
    }
}

void decode_q3_k(const void *src, float *dst, int64_t n)
{
    const block_q3_k *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K) {
        float d = fp16_to_f32(b->d);
        for (int j = 0; j < QK_K / 16; j++) {
            float scale = d * (float)q3_k_scale(b->scales, j);
            for (int e = 16 * j; e < 16 * j + 16; e++) {
                int high = b->hmask[e % 32] >> (e / 32) & 1;
                dst[e] = scale * (float)(two_bits(b->qs, e) - (high ? 0 : 4));
            }
        }
    }
}

void decode_q4_k(const void *src, float *dst, int64_t n)
{
    const block_q4_k *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K) {
        float d = fp16_to_f32(b->d), dmin = fp16_to_f32(b->dmin);
        for (int j = 0; j < QK_K / 32; j++) {
            uint8_t sc, mn;
            q4_k_scale_min(b->scales, j, &sc, &mn);
            float scale = d * (float)sc, min = dmin * (float)mn;
            const uint8_t *qs = b->qs + j / 2 * 32;
            for (int i = 0; i < 32; i++) dst[32 * j + i] = scale * (float)(qs[i] >> (j % 2 ? 4 : 0) & 15) - min;
        }
    }
}

void decode_q5_k(const void *src, float *dst, int64_t n)
{
    const block_q5_k *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K) {
        float d = fp16_to_f32(b->d), dmin = fp16_to_f32(b->dmin);
        for (int j = 0; j < QK_K / 32; j++) {
            uint8_t sc, mn;
            q4_k_scale_min(b->scales, j, &sc, &mn);
            float scale = d * (float)sc, min = dmin * (float)mn;
            const uint8_t *qs = b->qs + j / 2 * 32;
            for (int i = 0; i < 32; i++) {
                int q = (qs[i] >> (j % 2 ? 4 : 0) & 15) | (b->qh[i] >> j & 1) << 4;
                dst[32 * j + i] = scale * (float)q - min;
            }
        }
    }
}

void decode_q6_k(const void *src, float *dst, int64_t n)
{
    const block_q6_k *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K) {
        float d = fp16_to_f32(b->d);
        for (int j = 0; j < QK_K / 16; j++) {
            float scale = d * (float)b->scales[j];
            for (int e = 16 * j; e < 16 * j + 16; e++) {
                int low = b->ql[e / 128 * 64 + e % 64] >> (e % 128 < 64 ? 0 : 4) & 15;
                dst[e] = scale * (float)((low | two_bits(b->qh, e) << 4) - 32);
            }
        }
    }
}
