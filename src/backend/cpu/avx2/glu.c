/* glu.c - activations with AVX2. */
#include "backend/cpu/avx2/avx2.h"
#include "backend/cpu/passes/glu.h"

DECL_GLU_ROW(glu_row_avx2)
{
    glu_row(y, gate, up, n, kind);
}
