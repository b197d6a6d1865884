/* scale.c - a factor and a soft cap on a row with AVX-512. */
#include "backend/cpu/avx512/avx512.h"
#include "backend/cpu/passes/scale.h"

DECL_SCALE_ROW(scale_row_avx512)
{
    scale_row(x, n, scale, softcap);
}
