/* linear_float.c - panels of floats times float activations, with AVX-512: sixteen sums are in registers. */
#include "backend/cpu/avx512/avx512.h"

#define TOKENS 8
#include "backend/cpu/passes/linear_float.h"

DECL_PANELS_F32(panels_f32_avx512)
{
    panels(a, DTYPE_F32);
}

DECL_PANELS_F32(panels_f16_avx512)
{
    panels(a, DTYPE_F16);
}

DECL_PANELS_F32(panels_bf16_avx512)
{
    panels(a, DTYPE_BF16);
}
