/* layernorm.c - layer normalisation with AVX-512. */
#include "backend/cpu/avx512/avx512.h"
#include "backend/cpu/passes/layernorm.h"

DECL_LAYERNORM_ROW(layernorm_row_avx512)
{
    layernorm_row(y, x, w, b, n, eps);
}
