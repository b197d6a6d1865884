/* add.c - a sub-layer's output joins the residual stream; an expert's output joins the others. */
#include "backend/cpu/ref/ref.h"

void add_row_ref(float *y, const float *x, float scale, int32_t n)
{
    for (int32_t i = 0; i < n; i++) y[i] += scale * x[i];
}
