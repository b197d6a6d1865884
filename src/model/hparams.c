/* hparams.c - see hparams.h. Keys: the GGUF specification, "LLM" section. */
#include "model/hparams.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Limits that keep every product of two sizes inside 64 bits, and a hostile file from asking for absurd memory. */
#define MAX_LAYERS KV_MAX_LAYERS
#define MAX_WIDTH  (1 << 20)
#define MAX_HEAD   512

typedef struct reader {
    const gguf *g;
    const arch *a;
    sumi_error *err;
    sumi_status status; /* the first failure sticks */
    char key[128];
} reader;

static const char *key_of(reader *r, const char *suffix)
{
    snprintf(r->key, sizeof r->key, "%s.%s", r->a->name, suffix);
    return r->key;
}

static bool present(reader *r, const char *suffix)
{
    return gguf_find(r->g, key_of(r, suffix)) >= 0;
}

static void fail(reader *r, sumi_status status, const char *what)
{
    if (r->status == SUMI_OK)
        r->status = sumi_fail(r->err, status, "%s: key '%s' %s", gguf_name(r->g), r->key, what);
}

/* An integer from low to high. otherwise < low: the key must be there. */
static int32_t read_int(reader *r, const char *suffix, int32_t low, int32_t high, int32_t otherwise)
{
    int64_t value = otherwise;
    char what[96];
    if (present(r, suffix)) {
        gguf_array array;
        if (gguf_get_array(r->g, r->key, &array)) fail(r, SUMI_EUNSUPPORTED, "has one value for each layer: not supported");
        else if (!gguf_get_i64(r->g, r->key, &value)) fail(r, SUMI_EFORMAT, "is not an integer");
    } else if (otherwise < low) {
        fail(r, SUMI_EFORMAT, "is missing");
    }
    if (r->status == SUMI_OK && (value < low || value > high) && value != otherwise) {
        snprintf(what, sizeof what, "is %lld, not in %d..%d", (long long)value, low, high);
        fail(r, SUMI_EFORMAT, what);
    }
    return r->status == SUMI_OK ? (int32_t)value : low;
}

/* A positive finite number. otherwise < 0: the key must be there. */
static float read_float(reader *r, const char *suffix, float otherwise)
{
    float value = otherwise;
    if (present(r, suffix)) {
        if (!gguf_get_f32(r->g, r->key, &value)) fail(r, SUMI_EFORMAT, "is not a number");
        else if (!(value > 0) || !isfinite(value)) fail(r, SUMI_EFORMAT, "is not a positive number");
    } else if (otherwise < 0) {
        fail(r, SUMI_EFORMAT, "is missing");
    }
    return value;
}

/* Linear scaling divides positions (Chen et al. 2023). Llama-3 scaling needs nothing here: converters store its
 * factors as the tensor rope_freqs.weight. */
static void read_rope_scaling(reader *r, hparams *h)
{
    gguf_str type;
    h->rope_linear_factor = read_float(r, "rope.scale_linear", 1);
    if (!gguf_get_str(r->g, key_of(r, "rope.scaling.type"), &type)) return;
    bool linear = type.n == 6 && !memcmp(type.data, "linear", 6), none = type.n == 4 && !memcmp(type.data, "none", 4);
    if (linear) h->rope_linear_factor = read_float(r, "rope.scaling.factor", 1);
    else if (!none) fail(r, SUMI_EUNSUPPORTED, "asks for a RoPE scaling other than linear: not supported");
}

static void read_attention(reader *r, hparams *h)
{
    h->n_heads = read_int(r, "attention.head_count", 1, MAX_WIDTH, 0);
    h->n_kv_heads = read_int(r, "attention.head_count_kv", 1, h->n_heads, h->n_heads);
    if (r->status == SUMI_OK && h->n_heads % h->n_kv_heads) fail(r, SUMI_EFORMAT, "does not divide the number of heads");
    int32_t usual = h->n_embd / h->n_heads; /* 0, which is too small, makes the key necessary */
    h->head_dim = read_int(r, "attention.key_length", 2, MAX_HEAD, usual >= 2 && usual <= MAX_HEAD ? usual : 0);
    if (read_int(r, "attention.value_length", 1, MAX_HEAD, h->head_dim) != h->head_dim)
        fail(r, SUMI_EUNSUPPORTED, "differs from the key length: not supported");
    if (h->head_dim % 2) fail(r, SUMI_EUNSUPPORTED, "is odd: not supported");
    h->attention_softcap = read_float(r, "attn_logit_softcapping", 0);
    h->n_rot = read_int(r, "rope.dimension_count", 2, h->head_dim, h->head_dim);
    if (h->n_rot % 2) fail(r, SUMI_EFORMAT, "is odd");
    h->attention_scale = 1.0f / sqrtf((float)h->head_dim);
    /* Gemma 3 scales by a constant of the training configuration that GGUF does not carry. It equals the head
     * size in all published sizes but 27B (62 layers), where it is n_embd / n_heads (Gemma 3 report, 2025). */
    if (!strcmp(r->a->name, "gemma3") && h->n_layers == 62)
        h->attention_scale = 1.0f / sqrtf((float)h->n_embd / (float)h->n_heads);
}

static void read_window(reader *r, hparams *h)
{
    if (!r->a->window_pattern) return;
    h->window = read_int(r, "attention.sliding_window", 1, INT32_MAX, 0x7fffffff);
    h->window_pattern = read_int(r, "attention.sliding_window_pattern", 1, MAX_LAYERS, r->a->window_pattern);
    if (!present(r, "attention.sliding_window")) h->window = 0;
    h->rope_theta_local = read_float(r, "rope.freq_base_swa", r->a->rope_theta_local);
}

sumi_status hparams_read(hparams *h, const arch *a, const gguf *g, sumi_error *err)
{
    reader r = { .g = g, .a = a, .err = err };
    *h = (hparams){ .window_pattern = 1, .rope_theta_local = a->rope_theta_local };
    h->n_layers = read_int(&r, "block_count", 1, MAX_LAYERS, 0);
    h->n_embd = read_int(&r, "embedding_length", 2, MAX_WIDTH, 0);
    h->n_ff = read_int(&r, "feed_forward_length", 1, MAX_WIDTH, 0);
    h->n_ctx_train = read_int(&r, "context_length", 1, 1 << 30, 1 << 30);
    if (!present(&r, "context_length")) h->n_ctx_train = 0;
    if (read_int(&r, "expert_count", 0, 1 << 16, 0) > 0) fail(&r, SUMI_EUNSUPPORTED, "asks for experts: not supported");
    read_attention(&r, h);
    h->rms_eps = read_float(&r, "attention.layer_norm_rms_epsilon", -1);
    h->rope_theta = read_float(&r, "rope.freq_base", 10000);
    read_rope_scaling(&r, h);
    read_window(&r, h);
    h->embed_scale = a->features & ARCH_EMBED_SCALE ? sqrtf((float)h->n_embd) : 1.0f;
    return r.status;
}
