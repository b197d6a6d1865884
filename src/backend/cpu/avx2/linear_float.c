/* linear_float.c - panels of floats times float activations, with AVX2: twelve sums, two columns and an activation are in
 * registers. */
#include "backend/cpu/avx2/avx2.h"

#define TOKENS 6
#include "backend/cpu/passes/linear_float.h"

DECL_PANELS_F32(panels_f32_avx2)
{
    panels(a, DTYPE_F32);
}

DECL_PANELS_F32(panels_f16_avx2)
{
    panels(a, DTYPE_F16);
}

DECL_PANELS_F32(panels_bf16_avx2)
{
    panels(a, DTYPE_BF16);
}
