/* quantize.c - activations to int8 in groups of 32.
 *
 * Symmetric, with the largest magnitude of the group mapped to 127. -128 is never produced, so |q| fits 7 bits: the
 * 16-bit sums of the AVX2 kernels rely on that. */
#include "backend/cpu/ref/ref.h"

#include <assert.h>
#include <math.h>

void quantize_row_ref(const q8_digit *out, const float *x, int32_t n)
{
    assert(n % ACT_GROUP == 0);
    for (int32_t g = 0; g < n / ACT_GROUP; g++, x += ACT_GROUP) {
        int8_t *q = out->q + g * ACT_TILE * ACT_GROUP;
        float max = 0;
        int32_t sum[2] = { 0, 0 };
        for (int32_t i = 0; i < ACT_GROUP; i++) max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
        float inverse = max > 0 ? 127.0f / max : 0.0f, d = max / 127.0f;
        for (int32_t i = 0; i < ACT_GROUP; i++) {
            q[i] = (int8_t)rintf(x[i] * inverse); /* the default rounding mode: half to even */
            sum[i / (ACT_GROUP / 2)] += q[i];
        }
        out->d[g * ACT_TILE] = d;
        out->s[g * ACT_TILE] = d * (float)(sum[0] + sum[1]);
        out->h[g * 2 * ACT_TILE] = d * (float)sum[0];
        out->h[g * 2 * ACT_TILE + ACT_TILE] = d * (float)sum[1];
    }
}
