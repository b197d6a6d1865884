/* hf_rope.c - rotary positions: the settings of config.json and the keys of GGUF.
 *
 *   config.json                                            GGUF
 *   rope_parameters, or rope_scaling and rope_theta        rope.freq_base, rope.scaling.*
 *   partial_rotary_factor, rotary_pct, rope_pct            rope.dimension_count
 *   rope_type "linear", "yarn"                             rope.scaling.type, .factor, .original_context_length, ...
 *   rope_type "llama3"                                     tensor rope_freqs.weight: a divisor for each pair (Llama 3.1)
 *   rope_type "longrope", "su"                             tensors rope_factors_long.weight and rope_factors_short.weight
 *   rope_type "dynamic"                                    nothing: it only applies beyond the context length
 *   rope_parameters by kind of layer                       those of layers without a window; rope.freq_base_swa */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hf/hf_keys.h"

/* One set of settings, and the places where old files have settings that it lacks. */
typedef struct rope {
    hf_keys *k;
    const json_t *set;
} rope;

static double number(const rope *r, const char *name, double otherwise)
{
    const json_t *v = hf_member(r->k, r->set, "rope", name);
    if (v && !json_is_number(v)) hf_fail(r->k, SUMI_EFORMAT, "'%s' of the rotations is not a number", name);
    return json_is_number(v) ? json_number_value(v) : hf_number(r->k, name, otherwise);
}

/* A number of tokens, kept where it is one. */
static int64_t whole(double v)
{
    return v > 0 && v < INT32_MAX ? (int64_t)v : 0;
}

static const char *type_of(const rope *r)
{
    const char *type = json_string_value(hf_member(r->k, r->set, "rope", "rope_type"));
    const char *old = json_string_value(hf_member(r->k, r->set, "rope", "type"));
    return type ? type : old ? old : "default";
}

static double theta(const rope *r)
{
    double usual = r->k->family->rope_theta > 0 ? r->k->family->rope_theta : 10000;
    double base = number(r, "rope_theta", hf_number(r->k, "rotary_emb_base", usual));
    double alpha = 0, d = (double)r->k->head_dim;
    if (!strcmp(r->k->family->arch, "hunyuan-moe")) alpha = number(r, "alpha", 0);
    return alpha > 0 && d > 2 ? base * pow(alpha, d / (d - 2)) : base; /* NTK-aware, by the same for every context */
}

/* n zeros, which belong to the keys; NULL: a failure is recorded. */
static float *add_factors(hf_keys *k, const char *name, int64_t n)
{
    float *values = k->status == SUMI_OK ? calloc((size_t)n + 1, sizeof *values) : NULL;
    if (!values) {
        hf_fail(k, SUMI_ENOMEM, "out of memory");
        return NULL;
    }
    k->factors[k->n_factors++] = (hf_factors){ name, values, (int32_t)n };
    return values;
}

/* Short wavelengths stay, long ones are divided by the factor, with a slope between. */
static void write_llama3(const rope *r)
{
    hf_keys *k = r->k;
    double factor = number(r, "factor", 8), low = number(r, "low_freq_factor", 1),
           high = number(r, "high_freq_factor", 4);
    double n_ctx = number(r, "original_max_position_embeddings", 8192), base = theta(r);
    float *divisors = add_factors(k, "rope_freqs.weight", k->n_rot / 2);
    if (!(factor > 0) || !(n_ctx > 0)) hf_fail(k, SUMI_EFORMAT, "the factor of 'llama3' rotations is not positive");
    for (int64_t i = 0; divisors && i < k->n_rot / 2; i++) {
        double turns = n_ctx / (2 * M_PI * pow(base, 2 * (double)i / (double)k->n_rot));
        double smooth = fmin(fmax((turns - low) / (high - low), 0), 1);
        divisors[i] = (float)(1 / ((1 - smooth) / factor + smooth));
    }
}

static void write_list(const rope *r, const char *setting, const char *tensor)
{
    hf_keys *k = r->k;
    const json_t *list = hf_member(k, r->set, "rope", setting);
    if (json_array_size(list) != (size_t)k->n_rot / 2)
        hf_fail(k, SUMI_EFORMAT, "'%s' has %zu factors, not %lld", setting, json_array_size(list),
                (long long)k->n_rot / 2);
    float *values = add_factors(k, tensor, k->n_rot / 2);
    for (int64_t i = 0; values && i < k->n_rot / 2; i++)
        values[i] = (float)json_number_value(json_array_get(list, (size_t)i));
}

/* Ding et al. 2024: rotated elements also grow with the stretch. */
static void write_longrope(const rope *r)
{
    hf_keys *k = r->k;
    double n_ctx = hf_number(k, "max_position_embeddings", 4096);
    double original = number(r, "original_max_position_embeddings", n_ctx);
    double stretch = number(r, "factor", n_ctx / original);
    double size = stretch > 1 && original > 1 ? sqrt(1 + log(stretch) / log(original)) : 1;
    hf_put_int(k, "rope.scaling.original_context_length", whole(original));
    hf_put_f32(k, "rope.scaling.attn_factor", number(r, "attention_factor", size));
    write_list(r, "long_factor", "rope_factors_long.weight");
    write_list(r, "short_factor", "rope_factors_short.weight");
}

static double size_by(double factor, double mscale)
{
    return factor > 1 ? 0.1 * mscale * log(factor) + 1 : 1;
}

/* The size of rotated elements is written as a factor on YaRN's usual size. DeepSeek also scales the other elements, by
 * the log multiplier; with this key readers use a size of 1. */
static void write_yarn_size(const rope *r, double factor)
{
    hf_keys *k = r->k;
    double mscale = number(r, "mscale", 0), all = number(r, "mscale_all_dim", 0);
    double size = mscale > 0 && all > 0 ? size_by(factor, mscale) / size_by(factor, all) : size_by(factor, 1);
    bool latent = !strcmp(k->family->arch, "deepseek2") && all > 0;
    size = number(r, "attention_factor", number(r, "attn_factor", size));
    if (!(size > 0)) hf_fail(k, SUMI_EFORMAT, "the size of YaRN's rotations is not positive");
    if (latent) hf_put_f32(k, "rope.scaling.yarn_log_multiplier", 0.1 * all);
    if (size != (latent ? 1 : size_by(factor, 1))) hf_put_f32(k, "rope.scaling.attn_factor", size / size_by(factor, 1));
}

static void write_yarn(const rope *r)
{
    hf_keys *k = r->k;
    double factor = number(r, "factor", 1), original = number(r, "original_max_position_embeddings", 0);
    double fast = number(r, "beta_fast", 32), slow = number(r, "beta_slow", 1);
    const json_t *truncate = hf_member(k, r->set, "rope", "truncate");
    bool exact = json_is_false(truncate), usual = !strcmp(k->family->arch, "gpt-oss");
    hf_put_str(k, "rope.scaling.type", "yarn");
    hf_put_f32(k, "rope.scaling.factor", factor);
    if (original > 0) hf_put_int(k, "rope.scaling.original_context_length", whole(original));
    if (fast != 32) hf_put_f32(k, "rope.scaling.yarn_beta_fast", fast);
    if (slow != 1) hf_put_f32(k, "rope.scaling.yarn_beta_slow", slow);
    if (truncate ? exact != usual : usual) hf_put_bool(k, "rope.scaling.yarn_truncate", !exact);
    write_yarn_size(r, factor);
}

/* Marks settings as read that do nothing in rotations of this kind; files have them for all kinds. */
static void skip(const rope *r, const char *const *names)
{
    for (; *names; names++) hf_member(r->k, r->set, "rope", *names);
}

static void write_scaling(const rope *r)
{
    static const char *const of_dynamic[] = {
        "factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", NULL
    };
    const char *type = type_of(r);
    if (!strcmp(type, "dynamic")) skip(r, of_dynamic);
    if (!strcmp(type, "linear")) {
        hf_put_str(r->k, "rope.scaling.type", "linear");
        hf_put_f32(r->k, "rope.scaling.factor", number(r, "factor", 1));
    } else if (!strcmp(type, "yarn")) {
        write_yarn(r);
    } else if (!strcmp(type, "llama3")) {
        write_llama3(r);
    } else if (!strcmp(type, "longrope") || !strcmp(type, "su")) {
        write_longrope(r);
    } else if (strcmp(type, "default") && strcmp(type, "dynamic")) {
        hf_fail(r->k, SUMI_EUNSUPPORTED, "rotations of type '%.40s' are not supported", type);
    }
}

/* The part of a head that rotates, as int() of Python rounds it. */
static int64_t rotated(const rope *r)
{
    double part = r->k->family->rotated > 0 ? r->k->family->rotated : 1;
    part = number(r, "partial_rotary_factor", hf_number(r->k, "rotary_pct", hf_number(r->k, "rope_pct", part)));
    if (!(part > 0) || part > 1) hf_fail(r->k, SUMI_EFORMAT, "'partial_rotary_factor' is not above 0 and at most 1");
    else if (part != 1 && r->k->family->rotated == 0)
        hf_fail(r->k, SUMI_EUNSUPPORTED, "'partial_rotary_factor' is %g: this family rotates whole heads", part);
    return r->k->status == SUMI_OK ? (int64_t)(part * (double)r->k->head_dim) : 2;
}

/* Layers with a window rotate by a base of their own, without scaling. */
static double local_theta(hf_keys *k, const json_t *local, const json_t *set)
{
    double base = hf_number(k, "rope_local_base_freq", 0);
    const json_t *type = hf_member(k, local, "rope.sliding_attention", "rope_type");
    const json_t *own = hf_member(k, local, "rope.sliding_attention", "rope_theta");
    if (type && (!json_is_string(type) || strcmp(json_string_value(type), "default") != 0))
        hf_fail(k, SUMI_EUNSUPPORTED, "rotations of layers with a window are not of type 'default': not supported");
    const json_t *part = hf_member(k, local, "rope.sliding_attention", "partial_rotary_factor");
    if (part && !json_equal(part, json_object_get(set, "partial_rotary_factor")) && json_number_value(part) != 1)
        hf_fail(k, SUMI_EUNSUPPORTED, "'partial_rotary_factor' differs between layers: not supported");
    hf_check_settings(k, local, "rope.sliding_attention");
    return json_is_number(own) ? json_number_value(own) : base;
}

void hf_rope(hf_keys *k)
{
    const json_t *newer = hf_get(k, "rope_parameters"), *set = hf_get(k, "rope_scaling"), *local = NULL;
    if (!set) set = newer;
    if (json_object_get(set, "full_attention")) { /* by kind of layer */
        local = json_object_get(set, "sliding_attention");
        set = json_object_get(set, "full_attention");
    }
    rope r = { k, set };
    k->n_rot = rotated(&r);
    double base = theta(&r), local_base = local_theta(k, local, set);
    hf_put_int(k, "rope.dimension_count", k->n_rot);
    hf_put_f32(k, "rope.freq_base", base);
    if (local_base > 0) hf_put_f32(k, "rope.freq_base_swa", local_base);
    write_scaling(&r);
    hf_check_settings(k, set, "rope");
}
