/* add.c - a block's output joins the residual stream. */
#include "backend/cpu/ref/ref.h"

void add_row_ref(float *y, const float *x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) y[i] += x[i];
}
