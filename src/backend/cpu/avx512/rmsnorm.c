/* rmsnorm.c - root-mean-square norm with AVX-512. */
#include "backend/cpu/avx512/avx512.h"
#include "backend/cpu/passes/rmsnorm.h"

DECL_RMSNORM_ROW(rmsnorm_row_avx512)
{
    rmsnorm_row(y, x, w, n, eps);
}
