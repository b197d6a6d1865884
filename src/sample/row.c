/* row.c - see row.h.
 *
 * exp() of a non-positive number: x = k ln 2 + r with |r| <= ln(2)/2, exp(r) by the degree-6 polynomial of the Cephes
 * library (Moshier), then k is added to the exponent field. k is found by adding 1.5 * 2^23, after which the low bits
 * of the float are the rounded integer. */
#include "sample/row.h"

#include <math.h>
#include <string.h>

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef double f64x4 __attribute__((vector_size(32)));

static inline f32x4 load4(const float *x)
{
    f32x4 v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* The last n < 4 elements, filled up with `fill`. */
static inline f32x4 load_tail(const float *x, int32_t n, float fill)
{
    f32x4 v = { fill, fill, fill, fill };
    memcpy(&v, x, (size_t)n * sizeof *x);
    return v;
}

static inline f32x4 pick(i32x4 mask, f32x4 yes, f32x4 no)
{
    return (f32x4)((mask & (i32x4)yes) | (~mask & (i32x4)no));
}

static inline bool any(i32x4 mask)
{
    return mask[0] | mask[1] | mask[2] | mask[3];
}

static inline f32x4 splat(float x)
{
    return (f32x4){ x, x, x, x };
}

/* exp(x) for x <= 0; 0 below -87, where float32 leaves its normal range. */
static inline f32x4 exp4(f32x4 x)
{
    const f32x4 magic = splat(12582912.0f);
    i32x4 tiny = x < -87.0f;
    x = pick(tiny, splat(-87.0f), x);
    f32x4 shifted = x * 1.44269504f + magic, k = shifted - magic;
    i32x4 exponent = ((i32x4)shifted - (i32x4)magic + 127) << 23;
    f32x4 r = x - k * 0.693359375f + k * 2.12194440e-4f; /* ln 2 in two parts, the first exact times k */
    f32x4 p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return pick(tiny, splat(0.0f), p * (f32x4)exponent);
}

row_scan row_scan_values(const float *x, int32_t n)
{
    f32x4 max0 = splat(-INFINITY), max1 = max0;
    i32x4 nan = { 0 };
    int32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        f32x4 a = load4(x + i), b = load4(x + i + 4);
        nan |= (a != a) | (b != b);
        max0 = pick(a > max0, a, max0);
        max1 = pick(b > max1, b, max1);
    }
    for (; i < n; i += 4) {
        f32x4 a = n - i >= 4 ? load4(x + i) : load_tail(x + i, n - i, -INFINITY);
        nan |= a != a;
        max0 = pick(a > max0, a, max0);
    }
    max0 = pick(max1 > max0, max1, max0);
    float max = max0[0];
    for (int l = 1; l < 4; l++)
        if (max0[l] > max) max = max0[l];
    return (row_scan){ .max = max, .has_nan = any(nan) };
}

double row_exp_sum(const float *x, int32_t n, float max, float scale)
{
    f64x4 sum = { 0 };
    int32_t i = 0;
    for (; i + ROW_STRIDE <= n; i += ROW_STRIDE) {
        f32x4 a = exp4((load4(x + i) - max) * scale), b = exp4((load4(x + i + 4) - max) * scale);
        f32x4 c = exp4((load4(x + i + 8) - max) * scale), d = exp4((load4(x + i + 12) - max) * scale);
        sum += __builtin_convertvector((a + b) + (c + d), f64x4); /* four in float: within the error of exp4() */
    }
    for (; i < n; i += 4) {
        f32x4 a = load_tail(x + i, n - i < 4 ? n - i : 4, -INFINITY);
        sum += __builtin_convertvector(exp4((a - max) * scale), f64x4);
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void row_exp(float *d, float *w, const float *x, int32_t n, float max, float scale)
{
    for (int32_t i = 0; i < n; i += 4) {
        int32_t m = n - i < 4 ? n - i : 4;
        f32x4 shifted = (load_tail(x + i, m, -INFINITY) - max) * scale, e = exp4(shifted);
        memcpy(d + i, &shifted, (size_t)m * sizeof *d);
        memcpy(w + i, &e, (size_t)m * sizeof *w);
    }
}

bool row_any_above(const float *x, float bound)
{
    i32x4 above = (load4(x) > bound) | (load4(x + 4) > bound) | (load4(x + 8) > bound) | (load4(x + 12) > bound);
    int64_t half[2];
    memcpy(half, &above, sizeof half);
    return (half[0] | half[1]) != 0;
}

double row_log_sum_exp(const float *x, int32_t n, float max)
{
    return max + log(row_exp_sum(x, n, max, 1.0f));
}
