/* nonlinear.c - 4-bit types whose q is an index into a table: IQ4_NL and IQ4_XS (16 levels, finer around zero) and
 * MXFP4 (a 4-bit float under a shared power of two).
 *
 * The blocks are drawn in blocks.h. Source: gguf/quants.py of the Python package gguf; OCP Microscaling Formats 1.0.
 * Encoding of MXFP4 is the reference's, bit for bit. It has none for IQ4_NL: here scales around the one that just fits
 * are tried, each followed by a least-squares fit as fit.h describes. IQ4_XS is only read. */
#include <math.h>

#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/codecs.h"
#include "quant/fit.h"

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
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK) decode_table(b->qs, fp16_to_f32(b->d), iq4_values, dst);
}

void decode_iq4_xs(const void *src, float *dst, int64_t n)
{
    const block_iq4_xs *b = src;
    for (int64_t k = 0; k < n / QK_K; k++, b++, dst += QK_K)
        for (int j = 0; j < QK_K / 32; j++)
            decode_table(b->qs + 16 * j, fp16_to_f32(b->d) * (float)iq4_xs_scale(b, j), iq4_values, dst + 32 * j);
}

/* 2^(e - 128): half of the scale 2^(e - 127), because mxfp4_values are doubled. Below 2^-126 it is a subnormal float. e =
 * 255 is NaN in the OCP specification; GGUF reads it as the next power of two. */
static float half_power(uint8_t e)
{
    return fp32_from_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

void decode_mxfp4(const void *src, float *dst, int64_t n)
{
    const block_mxfp4 *b = src;
    for (int64_t k = 0; k < n / QK; k++, b++, dst += QK) decode_table(b->qs, half_power(b->e), mxfp4_values, dst);
}

/* ---- Encoding ---- */

/* Index of the level nearest to v; the lower one of two equally near. */
static int nearest_level(float v)
{
    int low = 0; /* a binary search over the 15 middles between neighbours */
    for (int step = 8; step > 0; step /= 2) {
        int k = low + step;
        if (2 * v > (float)(iq4_values[k - 1] + iq4_values[k])) low = k;
    }
    return low;
}

/* The best scale for x ~ s values[q] of 32 elements: for each candidate the levels are chosen, then s is fitted. */
static float fit_levels(const float *x, const float *w)
{
    float extreme = 0, best = 0;
    double best_gain = 0;
    for (int i = 0; i < QK; i++)
        if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
    float unit = fit_inverse(extreme);
    for (int end = -140; end <= 126; end += 2) { /* where the extreme value lands: -127..113 are the end levels */
        if (end > -100 && end < 90) continue;
        double xv = 0, vv = 0;
        for (int i = 0; i < QK; i++) {
            double v = iq4_values[nearest_level(x[i] * ((float)end * unit))];
            xv += (double)w[i] * x[i] * v;
            vv += (double)w[i] * v * v;
        }
        if (xv * xv > best_gain * vv) best = (float)(xv / vv), best_gain = xv * xv / vv;
    }
    return best;
}

void encode_iq4_nl(const float *src, void *dst, int64_t n)
{
    block_iq4_nl *b = dst;
    float w[QK];
    for (int64_t k = 0; k < n / QK; k++, b++, src += QK) {
        fit_weights(src, QK, w);
        b->d = fp16_from_f32(fit_levels(src, w));
        float inv = fit_inverse(fp16_to_f32(b->d)); /* levels for the scale that is stored */
        for (int i = 0; i < QK / 2; i++)
            b->qs[i] = (uint8_t)(nearest_level(src[i] * inv) | nearest_level(src[i + QK / 2] * inv) << 4);
    }
}

/* The exponent of the largest value, less the 2 of the largest 4-bit float (6 = 1.5 * 2^2). The reference rounds the
 * logarithm to float32 before it takes the floor, and so do we. */
static uint8_t shared_exponent(const float *x)
{
    float max = 0;
    for (int i = 0; i < QK; i++) max = fmaxf(max, fabsf(x[i]));
    if (max == 0) return 0;
    float e = floorf(log2f(max)) - 2 + 127;
    return (uint8_t)(e > 0 ? (e < 255 ? e : 255) : 0);
}

void encode_mxfp4(const float *src, void *dst, int64_t n)
{
    block_mxfp4 *b = dst;
    for (int64_t k = 0; k < n / QK; k++, b++, src += QK) {
        uint8_t q[QK];
        b->e = shared_exponent(src);
        float d = half_power(b->e);
        for (int i = 0; i < QK; i++) {
            q[i] = 0;
            for (uint8_t v = 1; v < 16; v++) /* the first of equally near ones, so never the second zero */
                if (fabsf(d * (float)mxfp4_values[v] - src[i]) < fabsf(d * (float)mxfp4_values[q[i]] - src[i]))
                    q[i] = v;
        }
        for (int i = 0; i < QK / 2; i++) b->qs[i] = (uint8_t)(q[i] | q[i + QK / 2] << 4);
    }
}
