/* nonlinear.c - 4-bit types whose q is an index into a table: IQ4_NL and IQ4_XS (16 levels, finer around zero) and
 * MXFP4 (a 4-bit float under a shared power of two).
 *
 * The blocks are drawn in blocks.h. Source: gguf/quants.py of the Python package gguf; OCP Microscaling Formats 1.0. */
#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/codecs.h"

static const int8_t iq4_values[16] = KVALUES_IQ4NL;
static const int8_t mxfp4_values[16] = KVALUES_MXFP4;

/* 32 elements: low nibbles first, then high ones. */
static void decode_table(const uint8_t qs[16], float scale, const int8_t values[16], float *dst)
{
    for (int i = 0; i < 16; i++) {
        dst[i] = scale * (float)values[qs[i] & 15];
        dst[i + 16] = scale * (float)values[qs[i] >> 4];
    }
}

void decode_iq4_nl(const void *src, float *dst, int64_t n)
{
    const block_iq4_nl *b = src;
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK)
        decode_table(b->qs, fp16_to_f32(b->d), iq4_values, dst);
}

void decode_iq4_xs(const void *src, float *dst, int64_t n)
{
    const block_iq4_xs *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K)
        for (int j = 0; j < QK_K / 32; j++)
            decode_table(b->qs + 16 * j, fp16_to_f32(b->d) * (float)iq4_xs_scale(b, j), iq4_values,
                         dst + 32 * j);
}

/* 2^(e - 128), half of what e stands for, since mxfp4_values are doubled. Below 2^-126 it is a subnormal float. e = 255
 * is NaN in the OCP specification; GGUF reads it as the next power of two. */
static float half_power(uint8_t e)
{
    return fp32_from_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

void decode_mxfp4(const void *src, float *dst, int64_t n)
{
    const block_mxfp4 *b = src;
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK)
        decode_table(b->qs, half_power(b->e), mxfp4_values, dst);
}
