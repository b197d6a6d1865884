/* layernorm.c - layer normalisation with AVX2. */
#include "backend/cpu/avx2/avx2.h"
#include "backend/cpu/passes/layernorm.h"

DECL_LAYERNORM_ROW(layernorm_row_avx2)
{
    layernorm_row(y, x, w, b, n, eps);
}
