/* fp16.h - conversion between float32 and the two 16-bit formats, in plain C, exact in every case.
 *
 * IEEE 754 binary16 (1-5-10 bits) and bfloat16 (the upper half of a float32). To 16 bits both round to nearest, ties
 * to even, as the hardware does. */
#ifndef SUMI_BASE_FP16_H
#define SUMI_BASE_FP16_H

#include <stdint.h>
#include <string.h>

static inline float fp32_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t fp32_to_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float fp16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = (h >> 10) & 0x1f, man = h & 0x3ff;
    if (exp == 0x1f) return fp32_from_bits(sign | 0x7f800000u | man << 13);
    if (exp) return fp32_from_bits(sign | (exp + 112) << 23 | man << 13);
    float f = (float)man * 0x1p-24f; /* zero or subnormal: exact */
    return sign ? -f : f;
}

static inline uint16_t fp16_from_f32(float f)
{
    uint32_t x = fp32_to_bits(f), sign = x >> 16 & 0x8000, abs = x & 0x7fffffff;
    if (abs > 0x7f800000u) return (uint16_t)(sign | 0x7e00 | (abs >> 13 & 0x3ff)); /* NaN stays quiet */
    if (abs >= 0x477ff000u) return (uint16_t)(sign | 0x7c00);                      /* rounds to infinity */
    if (abs < 0x38800000u) {                  /* subnormal: let the FPU round at 2^-24, the unit of the last place */
        float r = fp32_from_bits(abs) + 0.5f; /* 0.5 has ulp 2^-24 */
        return (uint16_t)(sign | (fp32_to_bits(r) - 0x3f000000u));
    }
    uint32_t round = 0xfff + (abs >> 13 & 1);
    return (uint16_t)(sign | ((abs + round - 0x38000000u) >> 13));
}

static inline float bf16_to_f32(uint16_t h)
{
    return fp32_from_bits((uint32_t)h << 16);
}

static inline uint16_t bf16_from_f32(float f)
{
    uint32_t x = fp32_to_bits(f);
    if ((x & 0x7fffffff) > 0x7f800000u) return (uint16_t)(x >> 16 | 0x40);
    return (uint16_t)((x + 0x7fff + (x >> 16 & 1)) >> 16);
}

#endif
