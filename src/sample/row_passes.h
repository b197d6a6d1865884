/* row_passes.h - the passes of row_kernels.h. Each level's row_kernels.c defines the operations of its vectors
 *
 *   LANES                      floats in a vector: 4, 8 or 16
 *   vf                         a vector of them, with + - *
 *   vmask                      a truth value for each lane
 *   v_load v_store v_set       unaligned
 *   v_less(a, b)               a < b             v_unordered(a)  a is a NaN
 *   v_max(a, b)                a > b ? a : b     v_keep(m, a)    m ? a : 0
 *   v_either(m, k), v_any(m)   or                v_bits(m)       one bit for each lane
 *   v_pick(bits, a, b)         bit l of bits ? a : b in lane l; bits from LANES on are ignored
 *   v_exponent(a)              the low bits of a, as an integer, become the exponent field of a float
 *   v_add_double(sum, a)       sum[LANES] += a, in double
 *
 * and includes this file once, so that the compiler makes a copy for the level.
 *
 * exp() of a non-positive number: x = k ln 2 + r with |r| <= ln(2)/2, exp(r) by the degree-6 polynomial of the Cephes
 * library (Moshier), times 2^k. k is found by adding 1.5 * 2^23, after which the low bits of the float are the rounded
 * integer; adding 127 more makes them the biased exponent.
 *
 * A sum goes over 64 elements at a time: element i belongs to lane i % 16; the four of a lane are added in float, which is
 * within the error of exp(), and the lane's total in double. Missing elements at the end count as -inf, which is 0. */
#ifndef SUMI_SAMPLE_ROW_PASSES_H
#define SUMI_SAMPLE_ROW_PASSES_H

#include <math.h>
#include <string.h>

enum { SUM_LANES = 16, SUM_STEP = 4 * SUM_LANES };

/* n < LANES elements, filled up with -inf. */
static inline vf load_tail(const float *x, int32_t n)
{
    float padded[LANES];
    for (int32_t i = 0; i < LANES; i++) padded[i] = i < n ? x[i] : -INFINITY;
    return v_load(padded);
}

static inline vf load_up_to(const float *x, int32_t n)
{
    return n >= LANES ? v_load(x) : load_tail(x, n);
}

/* exp(x) for x <= 0; 0 below -87, where float32 leaves its normal range. */
static inline vf exp_of(vf x)
{
    const vf magic = v_set(12582912.0f + 127);
    vmask normal = v_less(v_set(-87.0f), x);
    vf shifted = x * v_set(1.44269504f) + magic, k = shifted - magic;
    vf r = x - k * v_set(0.693359375f) + k * v_set(2.12194440e-4f); /* ln 2 in two parts, the first exact times k */
    vf p = v_set(1.9875691500e-4f);
    p = p * r + v_set(1.3981999507e-3f);
    p = p * r + v_set(8.3334519073e-3f);
    p = p * r + v_set(4.1665795894e-2f);
    p = p * r + v_set(1.6666665459e-1f);
    p = p * r + v_set(5.0000001201e-1f);
    p = p * r * r + r + v_set(1.0f);
    return v_keep(normal, p * v_exponent(shifted));
}

/* Elements i to i + LANES - 1, which are a, without those that are not in the set. i is a multiple of LANES, so that their
 * bits are in one word. */
static inline vf masked(vf a, const uint64_t *set, int32_t i)
{
    return v_pick((uint32_t)(set[i / TOKEN_SET_BITS] >> (i % TOKEN_SET_BITS)), a, v_set(-INFINITY));
}

static inline float largest_lane(vf a)
{
    float lanes[LANES];
    v_store(lanes, a);
    float max = lanes[0];
    for (int l = 1; l < LANES; l++) max = lanes[l] > max ? lanes[l] : max;
    return max;
}

/* The largest of n elements of a block; *nan: one is a NaN. set NULL: *max_in_set is not written. Each caller gets an
 * inlined copy, so that the loop does not test whether there is a set. */
static inline __attribute__((always_inline)) float block_max(const float *x, int32_t n, const uint64_t *set,
                                                             float *max_in_set, vmask *nan)
{
    vf max0 = v_set(-INFINITY), max1 = max0, in_set0 = max0, in_set1 = max0;
    int32_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        vf a = v_load(x + i), b = v_load(x + i + LANES);
        *nan = v_either(*nan, v_either(v_unordered(a), v_unordered(b)));
        max0 = v_max(a, max0);
        max1 = v_max(b, max1);
        if (set) in_set0 = v_max(masked(a, set, i), in_set0);
        if (set) in_set1 = v_max(masked(b, set, i + LANES), in_set1);
    }
    for (; i < n; i += LANES) {
        vf a = load_up_to(x + i, n - i);
        *nan = v_either(*nan, v_unordered(a));
        max0 = v_max(a, max0);
        if (set) in_set0 = v_max(masked(a, set, i), in_set0);
    }
    if (set) *max_in_set = largest_lane(v_max(in_set1, in_set0));
    return largest_lane(v_max(max1, max0));
}

static inline int32_t block_size(int32_t begin, int32_t n)
{
    return n - begin < ROW_BLOCK ? n - begin : ROW_BLOCK;
}

static DECL_ROW_MAXIMA(row_maxima)
{
    vmask nan = v_unordered(v_set(0));
    for (int32_t i = 0; i < n; i += ROW_BLOCK)
        maxima[i / ROW_BLOCK] = block_max(x + i, block_size(i, n), NULL, NULL, &nan);
    return v_any(nan);
}

static DECL_ROW_MASKED_MAXIMA(row_masked_maxima)
{
    vmask nan = v_unordered(v_set(0));
    *max = -INFINITY;
    for (int32_t i = 0; i < n; i += ROW_BLOCK) {
        const uint64_t *set = allowed + i / TOKEN_SET_BITS;
        int32_t size = block_size(i, n);
        float *max_in_set = &maxima[i / ROW_BLOCK], of_all;
        if (token_set_is_full(set, size)) of_all = *max_in_set = block_max(x + i, size, NULL, NULL, &nan);
        else of_all = block_max(x + i, size, set, max_in_set, &nan);
        if (of_all > *max) *max = of_all;
    }
    return v_any(nan);
}

static DECL_ROW_MASK(row_mask)
{
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) v_store(y + i, masked(v_load(x + i), allowed, i));
    for (; i < n; i++) y[i] = token_set_has(allowed, i) ? x[i] : -INFINITY;
}

/* The lanes of 64 elements, added to sum. */
static inline void add_step(double sum[SUM_LANES], const float *x, vf max, vf scale)
{
#pragma GCC unroll 4
    for (int l = 0; l < SUM_LANES; l += LANES) {
        vf a = exp_of((v_load(x + l) - max) * scale), b = exp_of((v_load(x + SUM_LANES + l) - max) * scale);
        vf c = exp_of((v_load(x + 2 * SUM_LANES + l) - max) * scale);
        vf d = exp_of((v_load(x + 3 * SUM_LANES + l) - max) * scale);
        v_add_double(sum + l, (a + b) + (c + d));
    }
}

static DECL_ROW_EXP_SUM(row_exp_sum)
{
    double sum[SUM_LANES] = { 0 };
    int32_t i = 0;
    for (; i + SUM_STEP <= n; i += SUM_STEP) add_step(sum, x + i, v_set(max), v_set(scale));
    if (i < n) {
        float padded[SUM_STEP];
        for (int32_t j = 0; j < SUM_STEP; j++) padded[j] = i + j < n ? x[i + j] : -INFINITY;
        add_step(sum, padded, v_set(max), v_set(scale));
    }
    for (int half = SUM_LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++) sum[l] += sum[l + half];
    return sum[0];
}

static DECL_ROW_EXP(row_exp)
{
    for (int32_t i = 0; i < n; i += LANES) {
        vf shifted = (load_up_to(x + i, n - i) - v_set(max)) * v_set(scale), e = exp_of(shifted);
        if (n - i >= LANES) {
            v_store(d + i, shifted);
            v_store(w + i, e);
            continue;
        }
        float tail[2][LANES];
        v_store(tail[0], shifted);
        v_store(tail[1], e);
        memcpy(d + i, tail[0], (size_t)(n - i) * sizeof *d);
        memcpy(w + i, tail[1], (size_t)(n - i) * sizeof *w);
    }
}

static DECL_ROW_ABOVE(row_above)
{
    int32_t found = 0;
    for (int32_t i = 0; i < n; i += LANES) {
        uint32_t bits = v_bits(v_less(v_set(bound), load_up_to(x + i, n - i)));
        for (; bits; bits &= bits - 1) at[found++] = i + __builtin_ctz(bits);
    }
    return found;
}

#define ROW_KERNELS                                                                                         \
    {                                                                                                       \
        .maxima = row_maxima, .masked_maxima = row_masked_maxima, .mask = row_mask, .exp_sum = row_exp_sum, \
        .exp = row_exp, .above = row_above                                                                  \
    }

#endif
