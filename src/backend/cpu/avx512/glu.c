/* glu.c - activations with AVX-512. */
#include "backend/cpu/avx512/avx512.h"
#include "backend/cpu/passes/glu.h"

DECL_GLU_ROW(glu_row_avx512)
{
    glu_row(y, gate, up, n, kind);
}
