/* linear.c - dot products of a weight row with an activation row.
 *
 * For quantised weights the reference decodes the weights with the definition of their type (src/quant) and multiplies
 * in float32, group by group of the activations. The fast kernels do the same with integers, which is exact inside a
 * group, so the two differ only by float rounding. */
#include "backend/cpu/ref/ref.h"

#include <assert.h>

#include "quant/quant.h"

float dot_f32_ref(const float *a, const float *b, int32_t n)
{
    float sum = 0;
    for (int32_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static float dot_group(const float *w, const q8_digit *x, int32_t g)
{
    q8_digit at = q8_digit_at(x, g);
    float sum = 0;
    for (int32_t i = 0; i < ACT_GROUP; i++) sum += w[i] * (float)at.q[i];
    return at.d[0] * sum;
}

float dot_q8_ref(dtype type, const void *w, const q8_row *x, int32_t n)
{
    const dtype_info *t = dtype_find((uint32_t)type);
    const quant_traits *traits = quant_find(type);
    const uint8_t *block = w;
    float values[256], sum = 0; /* no block is longer than 256 elements */
    assert(n % t->block_elems == 0 && t->block_elems <= 256 && t->block_elems % ACT_GROUP == 0);
    for (int32_t i = 0; i < n; i += t->block_elems, block += t->block_bytes) {
        traits->decode(block, values, t->block_elems);
        for (int32_t j = 0; j < t->block_elems; j += ACT_GROUP) {
            int32_t g = (i + j) / ACT_GROUP;
            sum += dot_group(values + j, &x->first, g);
            if (x->more[g * x->first.lanes]) sum += dot_group(values + j, &x->left, g);
        }
    }
    return sum;
}
