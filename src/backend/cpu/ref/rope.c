/* rope.c - rotary position embedding (Su et al. 2021): pairs of elements turn by an angle that grows with position. */
#include "backend/cpu/ref/ref.h"

void rope_head_ref(float *x, const float *cos_sin, int32_t n_rot, rope_pairing pairing)
{
    int32_t half = n_rot / 2;
    for (int32_t i = 0; i < half; i++) {
        int32_t first = pairing == ROPE_ADJACENT ? 2 * i : i;
        int32_t second = pairing == ROPE_ADJACENT ? 2 * i + 1 : i + half;
        float c = cos_sin[2 * i], s = cos_sin[2 * i + 1], a = x[first], b = x[second];
        x[first] = a * c - b * s;
        x[second] = a * s + b * c;
    }
}
