/* floats.c - the types that store each element by itself: F32, F64 and the two 16-bit formats. */
#include <string.h>

#include "base/fp16.h"
#include "quant/codecs.h"

void decode_f32(const void *src, float *dst, int64_t n)
{
    if (n) memcpy(dst, src, (size_t)n * sizeof *dst);
}

void decode_f64(const void *src, float *dst, int64_t n)
{
    const double *x = src;
    for (int64_t i = 0; i < n; i++) dst[i] = (float)x[i];
}

void decode_f16(const void *src, float *dst, int64_t n)
{
    const uint16_t *x = src;
    for (int64_t i = 0; i < n; i++) dst[i] = fp16_to_f32(x[i]);
}

void decode_bf16(const void *src, float *dst, int64_t n)
{
    const uint16_t *x = src;
    for (int64_t i = 0; i < n; i++) dst[i] = bf16_to_f32(x[i]);
}

void encode_f32(const float *src, void *dst, int64_t n)
{
    if (n) memcpy(dst, src, (size_t)n * sizeof *src);
}

void encode_f64(const float *src, void *dst, int64_t n)
{
    double *x = dst;
    for (int64_t i = 0; i < n; i++) x[i] = (double)src[i];
}

void encode_f16(const float *src, void *dst, int64_t n)
{
    uint16_t *x = dst;
    for (int64_t i = 0; i < n; i++) x[i] = fp16_from_f32(src[i]);
}

void encode_bf16(const float *src, void *dst, int64_t n)
{
    uint16_t *x = dst;
    for (int64_t i = 0; i < n; i++) x[i] = bf16_from_f32(src[i]);
}
