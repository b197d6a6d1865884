/* layernorm.c - layer normalisation (Ba et al. 2016). */
#include "backend/cpu/ref/ref.h"

#include <math.h>

void layernorm_row_ref(float *y, const float *x, const float *w, const float *b, int32_t n, float eps)
{
    float sum = 0, squares = 0;
    for (int32_t i = 0; i < n; i++) sum += x[i];
    float mean = sum / (float)n;
    for (int32_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    float scale = 1.0f / sqrtf(squares / (float)n + eps);
    for (int32_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * w[i] + (b ? b[i] : 0);
}
