/* scale.c - a factor and a soft cap on a row with AVX2. */
#include "backend/cpu/avx2/avx2.h"
#include "backend/cpu/passes/scale.h"

DECL_SCALE_ROW(scale_row_avx2)
{
    scale_row(x, n, scale, softcap);
}
