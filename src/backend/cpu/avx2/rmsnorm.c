/* rmsnorm.c - root-mean-square norm with AVX2. */
#include "backend/cpu/avx2/avx2.h"
#include "backend/cpu/passes/rmsnorm.h"

DECL_RMSNORM_ROW(rmsnorm_row_avx2)
{
    rmsnorm_row(y, x, w, n, eps);
}
