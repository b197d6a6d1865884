/* rmsnorm.c - root-mean-square norm (Zhang & Sennrich 2019). */
#include "backend/cpu/ref/ref.h"

#include <math.h>

void rmsnorm_row_ref(float *y, const float *x, const float *w, int32_t n, float eps)
{
    float sum = 0;
    for (int32_t i = 0; i < n; i++) sum += x[i] * x[i];
    float scale = 1.0f / sqrtf(sum / (float)n + eps);
    for (int32_t i = 0; i < n; i++) y[i] = x[i] * scale * w[i];
}
