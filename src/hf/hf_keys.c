/* hf_keys.c - see hf_keys.h. Keys: the GGUF specification, "LLM" section; settings: the configuration classes of the
 * transformers library. */
#include "hf/hf_keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_SIZE (1 << 24) /* keeps products of two sizes and of a few small factors inside 64 bits */

/* ---- Settings of nearly all families ------------------------------------------------------------------------ */

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void write_sizes(hf_keys *k)
{
    int64_t n_ctx = hf_int(k,
                           NAMES("max_position_embeddings", "max_trained_positions", "n_positions", "n_ctx",
                                 "max_seq_len", "seq_length"),
                           1, INT32_MAX, 2048);
    k->n_embd = hf_int(k, NAMES("hidden_size", "n_embd", "n_embed", "d_model"), 2, MAX_SIZE, 0);
    k->n_layers = hf_int(k, NAMES("num_hidden_layers", "n_layer", "num_layers", "n_layers"), 1, 4096, 0);
    k->n_heads = hf_int(k, NAMES("num_attention_heads", "n_head", "n_heads"), 1, MAX_SIZE, 0);
    k->n_kv_heads = hf_int(k, NAMES("num_key_value_heads", "num_kv_heads", "n_head_kv"), 1, MAX_SIZE, k->n_heads);
    int64_t usual = k->n_embd / k->n_heads >= 2 ? k->n_embd / k->n_heads : 2;
    bool told = hf_has(k, "head_dim") || hf_has(k, "attention_head_dim");
    if (!told && k->family->head_dim) usual = k->family->head_dim;
    k->head_dim = hf_int(k, NAMES("head_dim", "attention_head_dim"), 2, 65536, usual);
    hf_put_int(k, "context_length", n_ctx);
    hf_put_int(k, "embedding_length", k->n_embd);
    hf_put_int(k, "block_count", k->n_layers);
    k->n_extra_layers = hf_int(k, NAMES("num_nextn_predict_layers"), 0, 4096, 0);
    hf_put_int(k, "feed_forward_length",
               hf_int(k, NAMES("intermediate_size_mlp", "intermediate_size", "n_inner", "ffn_hidden_size", "ffn_dim"),
                      1, MAX_SIZE, 4 * k->n_embd));
    hf_put_int(k, "attention.head_count", k->n_heads);
    if (hf_get(k, "qk_rope_head_dim")) {
        k->head_dim = hf_int(k, NAMES("qk_rope_head_dim"), 2, 65536, 0);
    } else {
        hf_put_int(k, "attention.key_length", k->head_dim);
        hf_put_int(k, "attention.value_length", k->head_dim);
    }
}

/* Whether weights of a token's experts sum to 1, if config.json does not say. */
static bool norms_experts(hf_keys *k)
{
    const char *type = hf_text(k, "model_type");
    return !strcmp(k->family->arch, "glm4moe") || (type && !strcmp(type, "deepseek_v3"));
}

/* Mixtures of experts: how many there are, how many a token uses, how wide they are. */
static void write_experts(hf_keys *k)
{
    int64_t n = hf_int(k, NAMES("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"), 0, 65536,
                       0);
    if (n == 0) return;
    hf_put_int(k, "expert_count", n);
    hf_put_int(k, "expert_used_count",
               hf_int(k, NAMES("num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_topk"), 1, n, 0));
    int64_t width = hf_int(k, NAMES("moe_intermediate_size"), 0, MAX_SIZE, 0);
    if (k->family->traits & HF_WIDE_EXPERTS) width = hf_int(k, NAMES("intermediate_size"), 1, MAX_SIZE, 0);
    if (width > 0) hf_put_int(k, "expert_feed_forward_length", width);
    int64_t shared = hf_int(k, NAMES("shared_expert_intermediate_size", "shared_intermediate_size"), 0, MAX_SIZE, 0);
    if (shared > 0) hf_put_int(k, "expert_shared_feed_forward_length", shared);
    const json_t *dense = hf_get(k, "mlp_only_layers");
    if (k->family->traits & HF_MAY_NORM_EXPERTS)
        hf_put_bool(k, "expert_weights_norm", hf_bool(k, "norm_topk_prob", norms_experts(k)));
    else hf_expect(k, "norm_topk_prob", "true");
    if (json_array_size(dense) > 0) hf_fail(k, SUMI_EUNSUPPORTED, "'mlp_only_layers' is not empty: not supported");
    hf_expect(k, "decoder_sparse_step", "1");
}

static void write_norm_eps(hf_keys *k)
{
    static const char *const names[] = { "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon",
                                         "norm_eps" };
    double eps = k->family->norm_eps > 0 ? k->family->norm_eps : 1e-5;
    for (size_t i = sizeof names / sizeof *names; i-- > 0;) eps = hf_number(k, names[i], eps);
    if (!(eps > 0)) hf_fail(k, SUMI_EFORMAT, "the epsilon of the norms is not positive");
    bool layer_norm = k->family->traits & HF_LAYER_NORM;
    hf_put_f32(k, layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", eps);
}

static void write_name(hf_keys *k)
{
    const char *name = hf_text(k, "_name_or_path"), *end = strrchr(k->folder->path, '/');
    if (!name || !*name) name = end && end[1] ? end + 1 : k->folder->path;
    gguf_put_str(k->head, "general.name", name);
}

/* Weights that were quantised for other programs cannot be read as numbers. */
static void refuse_quantised(hf_keys *k)
{
    const json_t *q = hf_get(k, "quantization_config");
    const char *method = json_string_value(json_object_get(q, "quant_method"));
    if (q && method && !strcmp(method, "mxfp4")) return; /* blocks of a type of GGUF */
    if (q)
        hf_fail(k, SUMI_EUNSUPPORTED, "weights quantised by '%.40s' are not supported; use a version in BF16 or F16",
                method ? method : "?");
}

/* How an embedding is made of a text, in GGUF's numbers. Folders without a word about it leave it to the reader. */
static void write_pooling(hf_keys *k)
{
    static const char *const modes[] = { "pooling_mode_mean_tokens", "pooling_mode_cls_token",
                                         "pooling_mode_lasttoken" };
    const json_t *p = k->folder->pooling;
    for (int32_t i = 0; i < 3; i++)
        if (json_is_true(json_object_get(p, modes[i]))) {
            hf_put_int(k, "pooling_type", i + 1);
            return;
        }
    if (p) hf_fail(k, SUMI_EUNSUPPORTED, "the folder's 1_Pooling asks for another pooling than mean, cls and last");
}

sumi_status hf_keys_write(hf_keys *k, const hf_folder *f, const hf_family *family, gguf_head *head, sumi_error *err)
{
    const json_t *text = json_object_get(f->config, "text_config");
    *k = (hf_keys){ .folder = f,
                    .text = json_is_object(text) ? text : NULL,
                    .read = json_object(),
                    .family = family,
                    .head = head,
                    .err = err };
    if (!k->read) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    gguf_put_str(head, "general.architecture", family->arch);
    write_name(k);
    refuse_quantised(k);
    write_sizes(k);
    write_norm_eps(k);
    write_experts(k);
    if (!(family->traits & HF_NO_ROPE)) hf_rope(k);
    hf_windows(k);
    hf_activation(k);
    write_pooling(k);
    if (family->keys) family->keys(k);
    hf_put_int(k, "attention.head_count_kv", k->n_kv_heads);
    if (k->status == SUMI_OK && k->n_heads % k->n_kv_heads)
        hf_fail(k, SUMI_EFORMAT, "%lld key heads do not divide %lld query heads", (long long)k->n_kv_heads,
                (long long)k->n_heads);
    hf_get(k, "tie_word_embeddings"); /* hf_tensors.c reads it */
    if (k->text) hf_check_settings(k, k->text, "");
    hf_check_settings(k, f->config, "");
    return k->status;
}

void hf_keys_deinit(hf_keys *k)
{
    for (int32_t i = 0; i < k->n_factors; i++) free(k->factors[i].values);
    k->n_factors = 0;
    json_decref(k->read);
    k->read = NULL;
}
