/* test_fp16.c - the 16-bit formats against their definition (IEEE 754-2008, 3.4) and against the compiler's own
 * _Float16, whose conversions are software of libgcc or instructions of the processor. */
#include <float.h>
#include <math.h>

#include "base/fp16.h"
#include "test_support.h"

/* The definition of binary16, in double, where every value is exact. */
static double half_value(uint16_t h)
{
    int exp = h >> 10 & 31, man = h & 1023;
    double v = exp ? ldexp(1024 + man, exp - 25) : ldexp(man, -24);
    return h & 0x8000 ? -v : v;
}

static void every_half_has_the_value_of_the_definition(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = fp16_to_f32((uint16_t)h);
        if ((h & 0x7c00) != 0x7c00) assert_true((double)f == half_value((uint16_t)h) && !signbit(f) == !(h & 0x8000));
        else if (h & 0x3ff) assert_true(isnan(f));
        else assert_true(isinf(f) && (f < 0) == !!(h & 0x8000));
    }
}

static void every_half_survives_the_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        uint16_t back = fp16_from_f32(fp16_to_f32((uint16_t)h));
        bool nan = (h & 0x7c00) == 0x7c00 && (h & 0x3ff);
        assert_int_equal(back, nan ? (h | 0x200) : h); /* a NaN becomes quiet */
    }
}

static void every_bf16_survives_the_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        assert_int_equal(fp32_to_bits(bf16_to_f32((uint16_t)h)), h << 16);
        bool nan = (h & 0x7f80) == 0x7f80 && (h & 0x7f);
        assert_int_equal(bf16_from_f32(bf16_to_f32((uint16_t)h)), nan ? (h | 0x40) : h);
    }
}

/* Nearest by definition: of the neighbours below and above, the nearer; of equally near ones, the one with an even
 * last bit. low and high are adjacent positive values of a 16-bit format, at least one of them in finite range. */
static uint16_t nearest(double v, uint16_t low, double v_low, uint16_t high, double v_high)
{
    double below = v - v_low, above = v_high - v;
    if (below != above) return below < above ? low : high;
    return low & 1 ? high : low;
}

static void rounding_to_half_is_to_nearest_even_around_every_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        double low = half_value((uint16_t)h), high = h == 0x7bff ? 65536 : half_value((uint16_t)(h + 1));
        float middle = (float)((low + high) / 2); /* exact: one more bit than a half has */
        float points[] = { middle, nextafterf(middle, INFINITY), nextafterf(middle, 0), nextafterf((float)high, 0),
                           nextafterf((float)low, INFINITY) };
        for (int i = 0; i < 5; i++) {
            uint16_t want = nearest((double)points[i], (uint16_t)h, low, (uint16_t)(h + 1), high);
            assert_int_equal(fp16_from_f32(points[i]), want);
            assert_int_equal(fp16_from_f32(-points[i]), want | 0x8000);
        }
    }
}

static void rounding_to_bf16_is_to_nearest_even_around_every_bf16(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7f80; h++)
        for (uint32_t tail = 0x7ffe; tail <= 0x8002; tail++) {
            uint32_t want = h + (tail > 0x8000 || (tail == 0x8000 && (h & 1)));
            assert_int_equal(bf16_from_f32(fp32_from_bits(h << 16 | tail)), want);
            assert_int_equal(bf16_from_f32(fp32_from_bits(h << 16 | tail | 0x80000000u)), want | 0x8000);
        }
}

static void what_is_too_large_becomes_infinite_and_nan_stays_nan(void **state)
{
    (void)state;
    assert_int_equal(fp16_from_f32(65519.996f), 0x7bff);
    assert_int_equal(fp16_from_f32(65520), 0x7c00);
    assert_int_equal(fp16_from_f32(-FLT_MAX), 0xfc00);
    assert_int_equal(fp16_from_f32(INFINITY), 0x7c00);
    assert_int_equal(bf16_from_f32(FLT_MAX), 0x7f80);
    assert_int_equal(bf16_from_f32(-INFINITY), 0xff80);
    for (uint32_t man = 1; man < 0x800000; man = man * 2 + 1) {
        assert_true(isnan(fp16_to_f32(fp16_from_f32(fp32_from_bits(0x7f800000u | man)))));
        assert_true(isnan(bf16_to_f32(bf16_from_f32(fp32_from_bits(0xff800000u | man)))));
    }
}

#ifdef __FLT16_MAX__
static void floats_of_every_size_round_as_the_compiler_rounds_them(void **state)
{
    (void)state;
    for (uint64_t bits = 0; bits < 0x7f800000u; bits += 4099) { /* odd, so that all low bits occur */
        float f = fp32_from_bits((uint32_t)bits);
        _Float16 h = (_Float16)f;
        uint16_t want;
        memcpy(&want, &h, sizeof want);
        assert_int_equal(fp16_from_f32(f), want);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_has_the_value_of_the_definition),
        cmocka_unit_test(every_half_survives_the_round_trip),
        cmocka_unit_test(every_bf16_survives_the_round_trip),
        cmocka_unit_test(rounding_to_half_is_to_nearest_even_around_every_half),
        cmocka_unit_test(rounding_to_bf16_is_to_nearest_even_around_every_bf16),
        cmocka_unit_test(what_is_too_large_becomes_infinite_and_nan_stays_nan),
#ifdef __FLT16_MAX__
        cmocka_unit_test(floats_of_every_size_round_as_the_compiler_rounds_them),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
