/* convert.c - float32 to the f16 of the key/value cache, and the 16-bit formats of weights to float32. */
#include "backend/cpu/ref/ref.h"

#include "base/fp16.h"

void to_f16_ref(uint16_t *y, const float *x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) y[i] = fp16_from_f32(x[i]);
}

void from_f16_ref(float *y, const uint16_t *x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) y[i] = fp16_to_f32(x[i]);
}

void from_bf16_ref(float *y, const uint16_t *x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) y[i] = bf16_to_f32(x[i]);
}
