/* rope.c - the angle by which each pair of a head turns per position: rotary position embedding (Su et al. 2021) and ways
 * to stretch it over longer contexts.
 *
 *   base       freqs[i] = theta^(-2i / n_rot)
 *   linear     divided by a factor (Chen et al. 2023)
 *   by pair    divided by a factor for each pair, a tensor of the file: rope_freqs of Llama 3.1; rope_factors_short and
 *              rope_factors_long of LongRoPE (Ding et al. 2024), the second for contexts longer than the original one
 *   YaRN       (Peng et al. 2023) pairs that turn often in the original context keep their angle; angles of pairs without
 *              a complete turn are divided by the factor; between the two there is a slope
 *
 * LongRoPE and YaRN also stretch the rotated elements by a constant, which sharpens attention.
 *
 * The choice between short and long factors is made once, by the context length of the workspace: if the choice changed
 * when a sequence grows, the keys cached before would have the wrong rotation. */
#include <math.h>

#include "base/mem.h"
#include "model/loader.h"

static float *alloc_freqs(loader *l)
{
    float *freqs = mem_alloc(((size_t)l->m->h.n_rot / 2 + 1) * sizeof *freqs);
    if (!freqs) loader_fail(l, SUMI_ENOMEM, "out of memory");
    return freqs;
}

/* divisors: of each pair; NULL: none. */
static float *make_freqs(loader *l, float theta, float factor, const float *divisors)
{
    float *freqs = l->status == SUMI_OK ? alloc_freqs(l) : NULL;
    int32_t n_rot = l->m->h.n_rot;
    for (int32_t i = 0; freqs && i < n_rot / 2; i++)
        freqs[i] = 1.0f / powf(theta, (float)(2 * i) / (float)n_rot) / factor / (divisors ? divisors[i] : 1.0f);
    return freqs;
}

static float *divisors_of(loader *l, const char *name, bool required)
{
    int32_t n = l->m->h.n_rot / 2;
    tensor_name full = at_top(name, "weight");
    float *factors = n ? loader_vector(l, full, required, all_rows(n)) : NULL;
    for (int32_t i = 0; factors && i < n; i++)
        if (!(factors[i] > 0) || !isfinite(factors[i]))
            loader_fail(l, SUMI_EFORMAT, "%s[%d] is not a positive number", full.s, i);
    return factors;
}

/* The pair that completes this many turns in the original context. The paper counts pairs in halves. */
static double pair_of_turns(const hparams *h, double turns)
{
    const double tau = 6.283185307179586;
    return h->n_rot * log(h->rope_n_ctx / (turns * tau)) / (2 * log(h->rope_theta));
}

static void stretch_by_yarn(const hparams *h, bool is_exact, float *freqs)
{
    double low = pair_of_turns(h, h->yarn_beta_fast), high = pair_of_turns(h, h->yarn_beta_slow);
    low = fmax(is_exact ? low : floor(low), 0);
    high = fmin(is_exact ? high : ceil(high), h->n_rot - 1);
    if (high == low) high += 0.001; /* a step instead of a slope */
    for (int32_t i = 0; i < h->n_rot / 2; i++) {
        float ramp = (float)fmin(fmax((i - low) / (high - low), 0), 1);
        freqs[i] = freqs[i] / h->rope_factor * ramp + freqs[i] * (1 - ramp);
    }
}

/* The usual factor on rotated elements, for files that do not give one. */
static float usual_size(const hparams *h)
{
    float factor = h->rope_factor;
    if (h->rope == ROPE_YARN) return factor > 1 ? 0.1f * logf(factor) + 1.0f : 1.0f;
    factor = (float)h->n_ctx_train / (float)h->rope_n_ctx;
    return factor > 1 ? sqrtf(1 + logf(factor) / logf((float)h->rope_n_ctx)) : 1.0f;
}

static void load_long_rope(loader *l)
{
    model *m = l->m;
    hparams *h = &m->h;
    if (h->rope_n_ctx == 0 || h->n_ctx_train == 0)
        loader_fail(l, SUMI_EFORMAT, "rope_factors_long.weight needs keys for the context and the original context");
    float *near = divisors_of(l, "rope_factors_short", true), *far = divisors_of(l, "rope_factors_long", true);
    if (l->status == SUMI_OK) {
        m->freqs = make_freqs(l, h->rope_theta, 1, near);
        m->freqs_long = make_freqs(l, h->rope_theta, 1, far);
    }
    mem_free(near);
    mem_free(far);
}

void loader_rope(loader *l)
{
    model *m = l->m;
    hparams *h = &m->h;
    bool is_long = loader_has(l, at_top("rope_factors_long", "weight"));
    if (is_long) {
        load_long_rope(l);
    } else {
        float *divisors = divisors_of(l, "rope_freqs", false);
        m->freqs = make_freqs(l, h->rope_theta, h->rope == ROPE_LINEAR ? h->rope_factor : 1, divisors);
        mem_free(divisors);
    }
    if (l->status != SUMI_OK) return;
    if (h->rope == ROPE_YARN) stretch_by_yarn(h, h->yarn_exact, m->freqs);
    if (h->rope_size > 0) m->rope_size = h->rope_size;
    else m->rope_size = is_long || h->rope == ROPE_YARN ? usual_size(h) : 1;
    if (h->rope_theta_local > 0) m->freqs_local = make_freqs(l, h->rope_theta_local, 1, NULL);
}
