/* recommended.c - see recommended.h. A value that a sampler would refuse is treated as missing, so the file may still be
 * used. */
#include "engine/recommended.h"

#include "engine/sumi_model.h"

/* Returns bit and sets *out if the source has the key with a number from low to high; else returns 0. */
static uint32_t take_real(const model_source *src, const char *key, float low, float high, float *out, uint32_t bit)
{
    float v;
    if (!model_source_get_f32(src, key, &v) || !(v >= low && v <= high)) return 0;
    *out = v;
    return bit;
}

static uint32_t take_count(const model_source *src, const char *key, int32_t low, int32_t high, int32_t *out,
                           uint32_t bit)
{
    int32_t v;
    if (!model_source_get_i32(src, key, &v) || v < low || v > high) return 0;
    *out = v;
    return bit;
}

uint32_t recommended_sampling(const model_source *src, sumi_sampling *s)
{
    return take_real(src, "general.sampling.temp", 0, 100, &s->temperature, SUMI_SAMPLING_TEMPERATURE) |
           take_count(src, "general.sampling.top_k", 0, INT32_MAX, &s->top_k, SUMI_SAMPLING_TOP_K) |
           take_real(src, "general.sampling.top_p", 0, 1, &s->top_p, SUMI_SAMPLING_TOP_P) |
           take_real(src, "general.sampling.min_p", 0, 1, &s->min_p, SUMI_SAMPLING_MIN_P) |
           take_real(src, "general.sampling.penalty_repeat", 0.001f, 1000, &s->repeat_penalty,
                     SUMI_SAMPLING_REPEAT_PENALTY) |
           take_count(src, "general.sampling.penalty_last_n", -1, 1 << 24, &s->penalty_last_n,
                      SUMI_SAMPLING_PENALTY_LAST_N);
}

uint32_t sumi_model_sampling(const sumi_model *m, sumi_sampling *s)
{
    return recommended_sampling(m->source, s);
}
