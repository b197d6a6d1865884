/* hparams.c - see hparams.h. Keys: the GGUF specification, "LLM" section. */
#include "model/hparams.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Limits that keep every product of two sizes inside 64 bits, and a hostile file from asking for absurd memory. */
#define MAX_LAYERS       KV_MAX_LAYERS
#define MAX_WIDTH        (1 << 20)
#define MAX_HEAD         512
#define MAX_LATENT       1024 /* including the rotated elements; equals ATTN_MAX_HEAD of the backend */
#define MAX_EXPERTS      4096
#define MAX_EXPERTS_USED 64

typedef struct reader {
    const model_source *src;
    const arch *a;
    sumi_error *err;
    sumi_status status; /* of the first failure */
    char key[128];
} reader;

static const char *key_of(reader *r, const char *suffix)
{
    snprintf(r->key, sizeof r->key, "%s.%s", r->a->name, suffix);
    return r->key;
}

static bool present(reader *r, const char *suffix)
{
    return model_source_find_key(r->src, key_of(r, suffix)) >= 0;
}

static void fail(reader *r, sumi_status status, const char *what)
{
    if (r->status == SUMI_OK)
        r->status = sumi_fail(r->err, status, "%s: key '%s' %s", model_source_name(r->src), r->key, what);
}

/* True if the key is a list of equal integers (one for each layer): *value is that number. */
static bool read_equal(reader *r, int64_t *value)
{
    gguf_array list;
    bool is_list = model_source_get_array(r->src, r->key, &list);
    if (!is_list || list.n == 0 || list.type == GGUF_STRING || list.type == GGUF_F32 || list.type == GGUF_F64)
        return false;
    *value = gguf_array_i64(&list, 0);
    for (uint64_t i = 1; i < list.n; i++)
        if (gguf_array_i64(&list, i) != *value) return false;
    return true;
}

/* llama.cpp writes 0 or -1, also as an unsigned number, for a setting that a model does not have. */
static bool stands_for_nothing(int64_t value)
{
    return value == 0 || value == -1 || value == UINT32_MAX;
}

/* An integer from low to high. otherwise: the value of a missing key; if it is below low, the key is required. */
static int32_t read_int(reader *r, const char *suffix, int32_t low, int32_t high, int32_t otherwise)
{
    int64_t value = otherwise;
    char what[96];
    if (present(r, suffix)) {
        gguf_array list = { 0 };
        if (model_source_get_array(r->src, r->key, &list) && !read_equal(r, &value))
            fail(r, SUMI_EUNSUPPORTED, "has one value for each layer: not supported");
        else if (list.n == 0 && !model_source_get_i64(r->src, r->key, &value))
            fail(r, SUMI_EFORMAT, "is not an integer");
        else if (value >= low && value <= high) return (int32_t)value;
        else if (otherwise >= low && stands_for_nothing(value)) value = otherwise;
        else {
            snprintf(what, sizeof what, "is %lld, not in %d..%d", (long long)value, low, high);
            fail(r, SUMI_EFORMAT, what);
        }
    } else if (otherwise < low) {
        fail(r, SUMI_EFORMAT, "is missing");
    }
    return r->status == SUMI_OK ? (int32_t)value : low;
}

/* A positive finite number; 0 and -1 count as a missing key. otherwise < 0: the key is required. */
static float read_float(reader *r, const char *suffix, float otherwise)
{
    float value = otherwise;
    if (present(r, suffix)) {
        if (!model_source_get_f32(r->src, r->key, &value)) fail(r, SUMI_EFORMAT, "is not a number");
        else if (otherwise >= 0 && (value == 0 || value == -1)) return otherwise;
        else if (!(value > 0) || !isfinite(value)) fail(r, SUMI_EFORMAT, "is not a positive number");
    } else if (otherwise < 0) {
        fail(r, SUMI_EFORMAT, "is missing");
    }
    return value;
}

/* As read_float(), but 0 is allowed and means "off". */
static float read_float_or_0(reader *r, const char *suffix, float otherwise)
{
    float value = 1;
    if (present(r, suffix) && model_source_get_f32(r->src, r->key, &value) && value == 0) return 0;
    return read_float(r, suffix, otherwise);
}

static bool read_bool(reader *r, const char *suffix, bool otherwise)
{
    bool value = otherwise;
    if (present(r, suffix) && !model_source_get_bool(r->src, r->key, &value)) fail(r, SUMI_EFORMAT, "is not a boolean");
    return value;
}

/* True if the key switches a feature on: any value except 0, -1, false and lists of zeros. */
static bool asks(reader *r, const char *suffix)
{
    int64_t integer;
    float number;
    bool flag, any = false;
    gguf_array list;
    if (!present(r, suffix)) return false;
    if (model_source_get_i64(r->src, r->key, &integer)) return !stands_for_nothing(integer);
    if (model_source_get_f32(r->src, r->key, &number)) return number != 0 && number != -1;
    if (model_source_get_array(r->src, r->key, &list) && list.type != GGUF_STRING) {
        for (uint64_t i = 0; i < list.n; i++) any = any || gguf_array_f64(&list, i) != 0;
        return any;
    }
    if (model_source_get_bool(r->src, r->key, &flag)) return flag;
    return true;
}

/* Keys of multi-head latent attention, which only its families have. */
static void refuse_latents(reader *r)
{
    static const char *const keys[] = { "attention.q_lora_rank", "attention.kv_lora_rank",
                                        "rope.scaling.yarn_log_multiplier" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (asks(r, keys[i])) fail(r, SUMI_EUNSUPPORTED, "is not supported in this family");
}

/* Refuses keys (of the specification or of converters) that change the computation and that Sumi does not read. Features
 * that have their own tensors are found by these tensors (loader.h). */
static void refuse_other_features(reader *r)
{
    static const char *const features[] = {
        "attention.output_scale",    "attention.shared_kv_layers", "rope.scaling.alpha", "swin_norm",
        "activation_sparsity_scale", "expert_group_scale",         "experts_per_group",  "moe_latent_size",
        "swiglu_clamp_exp",          "swiglu_clamp_shexp",
    };
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (asks(r, features[i])) fail(r, SUMI_EUNSUPPORTED, "asks for a feature that is not supported");
    bool may_grow = r->a->features & ARCH_QUERY_GROWTH;
    if (!may_grow && (asks(r, "attention.temperature_scale") || asks(r, "attention.temperature_length")))
        fail(r, SUMI_EUNSUPPORTED, "asks for a feature that is not supported");
    if (!(r->a->features & ARCH_LATENT)) refuse_latents(r);
    if (r->a->logits == LOGITS_UNSCALED && asks(r, "logit_scale"))
        fail(r, SUMI_EUNSUPPORTED, "is not supported in this family");
}

/* A size of the layers with a window must equal the size of the other layers: `plain`, or the value of its own key. */
static void expect_same_size(reader *r, const char *suffix, const char *plain_suffix, int32_t plain)
{
    int64_t size, other;
    if (!model_source_get_i64(r->src, key_of(r, plain_suffix), &size) || stands_for_nothing(size)) size = plain;
    if (asks(r, suffix) && (!model_source_get_i64(r->src, r->key, &other) || other != size))
        fail(r, SUMI_EUNSUPPORTED, "gives layers with a window another size: not supported");
}

/* DeepSeek multiplies whole queries and keys, not only rotated elements, by a size that grows with the context: the scale of
 * the product q.k grows by the square of this size. */
static void read_yarn_multiplier(reader *r, hparams *h)
{
    float multiplier = read_float_or_0(r, "rope.scaling.yarn_log_multiplier", 0);
    if (multiplier == 0) return;
    float size = h->rope_factor > 1 ? 1 + multiplier * logf(h->rope_factor) : 1;
    h->attention_scale *= size * size;
    if (h->rope_size == 0) h->rope_size = 1;
}

static void read_yarn(reader *r, hparams *h)
{
    h->rope = ROPE_YARN;
    h->rope_factor = read_float(r, "rope.scaling.factor", -1);
    if (h->rope_n_ctx == 0) h->rope_n_ctx = h->n_ctx_train;
    if (h->rope_n_ctx == 0) fail(r, SUMI_EFORMAT, "needs the original context length");
    /* This factor multiplies YaRN's usual size. The other key has the size itself; llama.cpp writes 1 for none. */
    float usual = h->rope_factor > 1 ? 0.1f * logf(h->rope_factor) + 1 : 1;
    float size = read_float(r, "rope.scaling.yarn_attn_factor", 1);
    if (h->rope_size > 0) h->rope_size *= usual;
    if (size != 1) h->rope_size = size;
    h->yarn_beta_fast = read_float(r, "rope.scaling.yarn_beta_fast", 32);
    h->yarn_beta_slow = read_float(r, "rope.scaling.yarn_beta_slow", 1);
    h->yarn_exact = !read_bool(r, "rope.scaling.yarn_truncate", !(r->a->features & ARCH_YARN_EXACT));
    if (read_float_or_0(r, "rope.scaling.yarn_ext_factor", 1) != 1)
        fail(r, SUMI_EUNSUPPORTED, "is not 1: not supported");
    read_yarn_multiplier(r, h);
}

/* Factors per pair are not read here: they are tensors (rope.c) for every type. A factor without a type is
 * linear, in gpt-oss YaRN's. */
static void read_rope_scaling(reader *r, hparams *h)
{
    bool yarn = r->a->features & ARCH_YARN_EXACT && asks(r, "rope.scaling.factor");
    gguf_str type = { yarn ? "yarn" : "linear", yarn ? 4 : 6 };
    h->rope_n_ctx = read_int(r, "rope.scaling.original_context_length", 0, 1 << 30, 0);
    h->rope_size = read_float(r, "rope.scaling.attn_factor", 0);
    h->rope_factor = 1;
    model_source_get_str(r->src, key_of(r, "rope.scaling.type"), &type);
    if (gguf_str_is(type, "linear")) {
        h->rope_factor = read_float(r, "rope.scaling.factor", read_float(r, "rope.scale_linear", 1));
        h->rope = h->rope_factor != 1 ? ROPE_LINEAR : ROPE_UNSCALED;
    } else if (gguf_str_is(type, "yarn")) {
        read_yarn(r, h);
    } else if (!gguf_str_is(type, "none") && !gguf_str_is(type, "longrope")) {
        fail(r, SUMI_EUNSUPPORTED, "asks for a RoPE scaling other than linear, yarn and longrope: not supported");
    }
}

static void read_rope(reader *r, hparams *h)
{
    bool off = r->a->features & ARCH_LEARNED_POS || r->a->rope == ROPE_NO_LAYERS;
    if (r->a->rope == ROPE_UNLESS_SWITCHED_OFF) off = !read_bool(r, "rope.scaling.finetuned", true);
    h->n_rot = read_int(r, "rope.dimension_count", 2, h->head_dim, h->head_dim);
    if (h->n_rot % 2) fail(r, SUMI_EFORMAT, "is odd");
    expect_same_size(r, "rope.dimension_count_swa", "rope.dimension_count", h->n_rot);
    if (off) h->n_rot = 0;
    /* The names with "global" and "local" are those of Ollama's converter. */
    float theta = read_float(r, "rope.global.freq_base", r->a->rope_theta > 0 ? r->a->rope_theta : 10000);
    h->rope_theta = read_float(r, "rope.freq_base", theta);
    if (h->rope_theta <= 1) fail(r, SUMI_EFORMAT, "is not above 1");
    read_rope_scaling(r, h);
}

/* Constants of the training configuration that GGUF does not carry. Gemma 2 and 3 divide by the head size in all
 * published sizes but 27B, where it is n_embd / n_heads (Gemma 2 report, 2024; Gemma 3 report, 2025). */
static float usual_attention_scale(const reader *r, const hparams *h)
{
    bool is_27b = (!strcmp(r->a->name, "gemma2") && h->n_layers == 46) ||
                  (!strcmp(r->a->name, "gemma3") && h->n_layers == 62);
    return 1.0f / sqrtf(is_27b ? (float)h->n_embd / (float)h->n_heads : (float)h->head_dim);
}

/* Multi-head latent attention: one KV head, whose keys are latents and rotated elements. The lengths of a head's key and
 * value have their own keys in files for this form; in older files the keys are key_length and value_length. */
static void read_latent(reader *r, hparams *h)
{
    h->kv_rank = read_int(r, "attention.kv_lora_rank", 1, MAX_LATENT, 0);
    h->q_rank = read_int(r, "attention.q_lora_rank", 0, MAX_WIDTH, 0);
    h->n_rot = read_int(r, "rope.dimension_count", 2, MAX_HEAD, 0);
    bool absorbed = present(r, "attention.key_length_mla");
    int32_t key = read_int(r, absorbed ? "attention.key_length_mla" : "attention.key_length", 1, MAX_HEAD, 0);
    if (r->status == SUMI_OK && key <= h->n_rot) fail(r, SUMI_EFORMAT, "is not above rope.dimension_count");
    h->n_nope = key - h->n_rot;
    h->v_head_dim = read_int(r, absorbed ? "attention.value_length_mla" : "attention.value_length", 1, MAX_HEAD, 0);
    h->n_kv_heads = 1;
    h->head_dim = h->kv_rank + h->n_rot;
    h->v_dim = h->kv_rank;
    if (r->status == SUMI_OK && h->head_dim > MAX_LATENT) {
        key_of(r, "attention.kv_lora_rank");
        fail(r, SUMI_EUNSUPPORTED, "is too large");
    }
    h->attention_scale = read_float(r, "attention.scale", 1.0f / sqrtf((float)key));
}

/* The heads of models that cache keys and values themselves, not latents. */
static void read_heads(reader *r, hparams *h)
{
    h->n_kv_heads = read_int(r, "attention.head_count_kv", 1, h->n_heads, h->n_heads);
    if (r->status == SUMI_OK && h->n_heads % h->n_kv_heads)
        fail(r, SUMI_EFORMAT, "does not divide the number of heads");
    int32_t usual = h->n_embd / h->n_heads; /* out of range: the key is required */
    h->head_dim = read_int(r, "attention.key_length", 2, MAX_HEAD, usual >= 2 && usual <= MAX_HEAD ? usual : 0);
    if (read_int(r, "attention.value_length", 1, MAX_HEAD, h->head_dim) != h->head_dim)
        fail(r, SUMI_EUNSUPPORTED, "differs from the key length: not supported");
    if (h->head_dim % 2) fail(r, SUMI_EUNSUPPORTED, "is odd: not supported");
    h->v_dim = h->v_head_dim = h->head_dim;
    h->attention_scale = read_float(r, "attention.scale", usual_attention_scale(r, h));
}

/* llama.cpp saves Gemma 2's caps with every model; only families that have caps mean these very numbers. */
static float read_softcap(reader *r, const char *suffix, float usual, float of_gemma2)
{
    float cap = read_float_or_0(r, suffix, usual);
    return usual == 0 && cap == of_gemma2 ? 0 : cap;
}

static void read_attention(reader *r, hparams *h)
{
    h->n_heads = read_int(r, "attention.head_count", 1, MAX_WIDTH, 0);
    if (r->a->features & ARCH_LATENT) read_latent(r, h);
    else read_heads(r, h);
    expect_same_size(r, "attention.key_length_swa", "attention.key_length", h->head_dim);
    expect_same_size(r, "attention.value_length_swa", "attention.value_length", h->v_dim);
    h->attention_softcap = read_softcap(r, "attn_logit_softcapping", r->a->attention_softcap, 50);
    h->qkv_clamp = read_float_or_0(r, "attention.clamp_kqv", 0);
    h->max_alibi_bias = read_float_or_0(r, "attention.max_alibi_bias", r->a->max_alibi_bias);
    if (h->max_alibi_bias > 0 && r->a->rope != ROPE_NO_LAYERS)
        fail(r, SUMI_EUNSUPPORTED, "is not supported in this family");
}

/* Encoders: families that are always encoders, and decoders that were trained with attention in both directions. */
static void read_direction(reader *r, hparams *h)
{
    static const sumi_pooling poolings[] = { SUMI_POOL_NONE, SUMI_POOL_MEAN, SUMI_POOL_CLS, SUMI_POOL_LAST };
    enum { RANK = 4 };
    bool family = r->a->features & ARCH_ENCODER;
    h->encoder = !read_bool(r, "attention.causal", !family);
    if (family && !h->encoder) fail(r, SUMI_EUNSUPPORTED, "asks for a feature that is not supported");
    int32_t pooling = read_int(r, "pooling_type", 0, RANK, 0);
    if (pooling == RANK) fail(r, SUMI_EUNSUPPORTED, "says that the model ranks documents: not supported");
    else h->pooling = poolings[pooling];
    /* The first token of a decoder sees only itself, so its hidden state does not describe the text. */
    if (!h->encoder && h->pooling == SUMI_POOL_CLS) h->pooling = SUMI_POOL_NONE;
}

/* The activation of the feed-forward sub-layers: the family's, if the file does not name another. */
static void read_activation(reader *r, hparams *h)
{
    static const struct {
        const char *name;
        glu_kind kind;
    } names[] = {
        { "gelu", GLU_GELU }, { "silu", GLU_SILU }, { "gelu_pytorch_tanh", GLU_GELU_TANH }, { "relu2", GLU_RELU2 }
    };
    gguf_str name;
    h->glu = r->a->glu;
    if (!model_source_get_str(r->src, key_of(r, "hidden_activation"), &name)) return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!gguf_str_is(name, names[i].name)) continue;
        if (r->a->glu == GLU_CLAMPED && names[i].kind != GLU_SILU) break; /* GLU_CLAMPED contains SiLU */
        if (r->a->glu != GLU_CLAMPED) h->glu = names[i].kind;
        return;
    }
    fail(r, SUMI_EUNSUPPORTED, "names an activation other than gelu, gelu_pytorch_tanh, relu2 and silu: not supported");
}

/* Which layers have a window: the file lists them, or every n-th layer has none. */
static void read_windows(reader *r, hparams *h)
{
    gguf_array listed = { 0 };
    int32_t pattern = r->a->window_pattern;
    bool chunks = r->a->features & ARCH_CHUNKS;
    h->window = read_int(r, chunks ? "attention.chunk_size" : "attention.sliding_window", 0, INT32_MAX, r->a->window);
    bool is_list = model_source_get_array(r->src, key_of(r, "attention.sliding_window_pattern"), &listed);
    if (is_list && (listed.type != GGUF_BOOL || listed.n != (uint64_t)h->n_layers))
        fail(r, SUMI_EFORMAT, "is not a list of booleans, one for each layer");
    else if (!is_list) pattern = read_int(r, "attention.sliding_window_pattern", 0, MAX_LAYERS, pattern);
    if (r->status != SUMI_OK || h->window == 0) return;
    if (h->encoder && !(r->a->features & ARCH_ENCODER))
        fail(r, SUMI_EUNSUPPORTED, "asks for windows in both directions: not supported");
    int32_t full = r->a->features & ARCH_FULL_FIRST ? 0 : pattern - 1; /* in a pattern: the layer without a window */
    for (int32_t i = 0; i < h->n_layers; i++)
        h->has_window[i] = is_list ? ((const uint8_t *)listed.data)[i] != 0 : pattern == 0 || i % pattern != full;
    float theta = read_float(r, "rope.local.freq_base", r->a->rope_theta_local);
    h->rope_theta_local = read_float(r, "rope.freq_base_swa", theta);
    if (r->a->features & ARCH_PLAIN_WINDOW_ROPE && h->rope_theta_local == 0) h->rope_theta_local = h->rope_theta;
}

/* Constants of Llama 4 (2025), which its files need not have. */
static void read_query_growth(reader *r, hparams *h)
{
    if (!(r->a->features & ARCH_QUERY_GROWTH)) return;
    h->query_growth = read_float_or_0(r, "attention.temperature_scale", 0.1f);
    h->query_growth_length = read_int(r, "attention.temperature_length", 1, 1 << 30, 8192);
}

static void find_rotated_layers(const reader *r, hparams *h)
{
    for (int32_t i = 0; i < h->n_layers; i++) {
        h->has_rope[i] = h->n_rot > 0;
        if (r->a->rope == ROPE_WINDOW_LAYERS && h->window && !h->has_window[i]) h->has_rope[i] = false;
        if (r->a->rope == ROPE_THREE_IN_FOUR && (i + 1) % 4 == 0) h->has_rope[i] = false;
    }
}

static void read_scales(reader *r, hparams *h)
{
    float embed = r->a->features & ARCH_EMBED_SCALE ? sqrtf((float)h->n_embd) : 1.0f, residual = 1, logit = 1;
    if (!strcmp(r->a->name, "minicpm")) { /* older files lack these keys (Hu et al. 2024) */
        embed = 12;
        residual = 1.4f / sqrtf((float)h->n_layers);
        logit = (float)h->n_embd / 256;
    }
    h->embed_scale = read_float(r, "embedding_scale", embed);
    h->residual_scale = read_float(r, "residual_scale", residual);
    h->logit_scale = read_float(r, "logit_scale", logit);
    if (r->a->logits == LOGITS_DIVIDED) h->logit_scale = 1.0f / h->logit_scale;
    h->logit_softcap = read_softcap(r, "final_logit_softcapping", r->a->logit_softcap, 30);
}

/* Mixtures of experts: all families use the same keys; tensors show which layers are mixtures. */
static void read_router(reader *r, hparams *h)
{
    static const router_kind kinds[] = { ROUTER_SOFTMAX, ROUTER_SIGMOID, ROUTER_SOFTMAX_CHOSEN };
    int32_t n = read_int(r, "expert_count", 0, MAX_EXPERTS, 0);
    if (n == 0) return;
    if (!(r->a->features & ARCH_EXPERTS)) fail(r, SUMI_EUNSUPPORTED, "is not supported in this family");
    router *to = &h->router;
    *to = (router){ .kind = r->a->router, .n_experts = n };
    to->n_used = read_int(r, "expert_used_count", 1, n < MAX_EXPERTS_USED ? n : MAX_EXPERTS_USED, 0);
    int32_t kind = read_int(r, "expert_gating_func", 0, INT32_MAX, 0);
    if (kind > (int32_t)(sizeof kinds / sizeof *kinds))
        fail(r, SUMI_EUNSUPPORTED, "is not 1 (softmax), 2 (sigmoid) or 3 (softmax of the chosen): not supported");
    else if (kind > 0) to->kind = kinds[kind - 1];
    h->router_told = kind > 0;
    to->normalised = read_bool(r, "expert_weights_norm", r->a->features & ARCH_EXPERTS_NORMALISED);
    to->scale = read_float_or_0(r, "expert_weights_scale", 1);
    if (to->scale == 0) to->scale = 1; /* files of families without a scale may have this */
    to->n_groups = read_int(r, "expert_group_count", 0, ROUTER_MAX_GROUPS, 0);
    if (to->n_groups == 0) to->n_groups = 1;
    if (n % to->n_groups) fail(r, SUMI_EFORMAT, "does not divide the number of experts");
    to->n_used_groups = read_int(r, "expert_group_used_count", 0, to->n_groups, 0);
    if (to->n_used_groups == 0) to->n_used_groups = to->n_groups;
    if (r->status == SUMI_OK && n / to->n_groups * to->n_used_groups < to->n_used)
        fail(r, SUMI_EFORMAT, "leaves fewer experts than are used");
    hparams_set_router(to, to->kind);
}

void hparams_set_router(router *to, router_kind kind)
{
    to->kind = kind;
    to->n_group_best = kind == ROUTER_SIGMOID ? 2 : 1;
    if (to->n_experts / to->n_groups < to->n_group_best) to->n_group_best = 1;
}

sumi_status hparams_read(hparams *h, const arch *a, const model_source *src, sumi_error *err)
{
    reader r = { .src = src, .a = a, .err = err };
    *h = (hparams){ 0 };
    refuse_other_features(&r);
    h->n_layers = read_int(&r, "block_count", 1, MAX_LAYERS, 0);
    h->n_draft_layers = read_int(&r, "nextn_predict_layers", 0, h->n_layers - 1, 0);
    h->n_layers -= h->n_draft_layers;
    h->n_embd = read_int(&r, "embedding_length", 2, MAX_WIDTH, 0);
    h->n_ff = read_int(&r, "feed_forward_length", 1, MAX_WIDTH, 0);
    h->n_ctx_train = read_int(&r, "context_length", 1, 1 << 30, 1 << 30);
    if (!present(&r, "context_length")) h->n_ctx_train = 0;
    read_attention(&r, h);
    h->norm_eps = read_float(&r,
                             a->norm == NORM_RMS ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
                             a->norm_eps > 0 ? a->norm_eps : -1);
    h->headless = !read_bool(&r, "output_head", true);
    h->parallel = a->features & ARCH_PARALLEL;
    if (a->features & ARCH_PARALLEL_KEY) h->parallel = read_bool(&r, "use_parallel_residual", true);
    read_direction(&r, h);
    read_activation(&r, h);
    read_rope(&r, h);
    read_windows(&r, h);
    find_rotated_layers(&r, h);
    read_query_growth(&r, h);
    read_scales(&r, h);
    read_router(&r, h);
    return r.status;
}
