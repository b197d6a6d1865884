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
        q8_digit to = q8_digit_at(out, g);
        bool is_finite = true;
        float max = 0;
        int32_t sum[2] = { 0, 0 };
        for (int32_t i = 0; i < ACT_GROUP; i++) {
            is_finite = is_finite && isfinite(x[i]);
            max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
        }
        if (!is_finite) {
            q8_set_nan(&to);
            continue;
        }
        float inverse = max > Q8_LEAST ? 127.0f / max : 0.0f, d = max / 127.0f;
        for (int32_t i = 0; i < ACT_GROUP; i++) {
            to.q[i] = (int8_t)rintf(x[i] * inverse); /* the default rounding mode: half to even */
            sum[i / (ACT_GROUP / 2)] += to.q[i];
        }
        to.d[0] = d;
        to.s[0] = d * (float)(sum[0] + sum[1]);
        to.h[0] = d * (float)sum[0];
        to.h[to.lanes] = d * (float)sum[1];
    }
}
