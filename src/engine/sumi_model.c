/* sumi_model.c - opens a model: its source, vocabulary, template and weights. See sumi.h for the contract. */
#include "engine/sumi_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/os/clock.h"
#include "base/sized.h"
#include "hf/model_source_open.h"

/* A model whose template does not compile is opened without the template. But if memory for the template runs out, the
 * model is not opened: otherwise chats would silently be rendered without it. */
static sumi_status load_template(sumi_model *m, sumi_error *err)
{
    gguf_str source;
    if (!model_source_get_str(m->source, "tokenizer.chat_template", &source)) {
        sumi_fail(&m->chat_error, SUMI_EUNSUPPORTED, "%s: the model has no chat template",
                  model_source_name(m->source));
        return SUMI_OK;
    }
    sumi_status status = chat_template_compile(&m->chat, source.data, source.n, "chat template", &m->chat_error);
    if (status == SUMI_OK) return SUMI_OK;
    sumi_fail_in(&m->chat_error, "%s", model_source_name(m->source));
    if (status == SUMI_ENOMEM) {
        if (err) *err = m->chat_error;
        return status;
    }
    log_message(&m->log, SUMI_LOG_WARN, "%s", m->chat_error.message);
    return SUMI_OK;
}

const char *model_isa(const sumi_model_opts *opts)
{
    const char *isa = opts->isa ? opts->isa : getenv("SUMI_ISA");
    return isa && *isa ? isa : NULL;
}

static sumi_status load_weights(sumi_model *m, const sumi_model_opts *opts, sumi_error *err)
{
    model_watcher watcher = { opts->progress, opts->progress_user };
    sumi_status status = backend_cpu_create(&m->be, model_isa(opts), opts->activations, err);
    if (status != SUMI_OK) return status;
    if (opts->numa == SUMI_NUMA_SPREAD && (status = m->be->spread_weights(m->be, err))) return status;
    if ((status = model_create(&m->weights, m->source, m->be, &watcher, err))) return status;
    int64_t n_vision = model_n_vision_tensors(m->source);
    if (n_vision > 0)
        log_message(&m->log, SUMI_LOG_INFO, "%s: %lld tensors of a vision part are skipped: sumi supports text only",
                    model_source_name(m->source), (long long)n_vision);
    if (m->weights->n_vocab == tokenizer_n_vocab(m->tok)) return SUMI_OK;
    return sumi_fail(err, SUMI_EFORMAT, "%s: %d tokens in the vocabulary, but token_embd.weight has %d rows",
                     model_source_name(m->source), tokenizer_n_vocab(m->tok), m->weights->n_vocab);
}

static sumi_status fill_info(sumi_model *m, sumi_error *err)
{
    gguf_str name = { "", 0 };
    sumi_model_info *info = &m->info;
    model_source_get_str(m->source, "general.name", &name);
    if (!(m->name = strndup(name.data, name.n))) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    *info = (sumi_model_info){ .name = m->name,
                               .architecture = "",
                               .isa = "",
                               .n_vocab = tokenizer_n_vocab(m->tok),
                               .bos_id = tokenizer_bos(m->tok),
                               .eos_id = tokenizer_eos(m->tok),
                               .has_chat_template = m->chat != NULL };
    for (int64_t i = 0; i < model_source_n_tensors(m->source); i++) {
        const source_tensor *t = model_source_tensor_at(m->source, i);
        info->n_params += (uint64_t)t->dims[0] * (uint64_t)t->dims[1] * (uint64_t)t->dims[2] * (uint64_t)t->dims[3];
        info->weight_bytes += t->n_bytes;
    }
    if (!m->weights) return SUMI_OK;
    const hparams *h = &m->weights->h;
    info->architecture = m->weights->arch->name;
    info->isa = m->be->isa;
    info->n_layers = h->n_layers;
    info->n_embd = h->n_embd;
    info->n_heads = h->n_heads;
    info->n_kv_heads = h->n_kv_heads;
    info->head_dim = h->head_dim;
    info->n_ff = h->n_ff;
    info->n_ctx_train = h->n_ctx_train;
    info->is_encoder = h->encoder;
    info->has_logits = m->weights->output != NULL;
    info->pooling = h->pooling;
    return SUMI_OK;
}

void sumi_model_opts_init(sumi_model_opts *opts, size_t size)
{
    const sumi_model_opts defaults = { .size = size, .activations = SUMI_ACTIVATIONS_AUTO };
    sized_give(opts, size, &defaults, sizeof defaults);
}

sumi_status sumi_model_open(sumi_model **out, const char *path, const sumi_model_opts *opts, sumi_error *err)
{
    sumi_model_opts o = sumi_model_opts_default();
    double start = clock_ms();
    *out = NULL;
    sumi_status status = sized_take(&o, sizeof o, opts, "sumi_model_opts", err);
    if (status != SUMI_OK) return status;
    sumi_model *m = calloc(1, sizeof *m);
    if (!m) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    m->log = (logger){ o.log, o.log_user };
    m->strict_roles = o.strict_roles;
    if ((status = model_source_open(&m->source, path, &m->log, err))) goto fail;
    /* The family is checked before the vocabulary: the message about an unknown family is more useful than one about its
     * vocabulary. */
    if (!o.vocab_only && (status = model_check_arch(m->source, err))) goto fail;
    if ((status = tokenizer_create(&m->tok, m->source, err))) goto fail;
    if ((status = load_template(m, err))) goto fail;
    if (!o.vocab_only && (status = load_weights(m, &o, err))) goto fail;
    if ((status = model_source_finish_reading(m->source, err))) goto fail;
    if ((status = fill_info(m, err))) goto fail;
    if (m->weights)
        log_message(
            &m->log, SUMI_LOG_INFO,
            "%s: %s, %d layers, kernels %s, %.1f MiB of weights packed, %.1f MiB as in the file; opened in %.0f ms",
            model_source_name(m->source), m->info.architecture, m->info.n_layers, m->info.isa,
            (double)m->weights->copied_bytes / 0x1p20, (double)m->weights->unpacked_bytes / 0x1p20, clock_ms() - start);
    *out = m;
    return SUMI_OK;
fail:
    sumi_model_close(m);
    return status;
}

void sumi_model_close(sumi_model *m)
{
    if (!m) return;
    model_destroy(m->weights);
    if (m->be) m->be->destroy(m->be);
    chat_template_destroy(m->chat);
    tokenizer_destroy(m->tok);
    model_source_close(m->source);
    free(m->name);
    free(m);
}

void sumi_model_get_info_sized(const sumi_model *m, sumi_model_info *info, size_t size)
{
    sized_give(info, size, &m->info, sizeof m->info);
}

const tokenizer *model_tokenizer(const sumi_model *m)
{
    return m->tok;
}

sumi_status model_check_generates(const sumi_model *m, sumi_error *err)
{
    if (m->info.has_logits) return SUMI_OK;
    return sumi_fail(err, SUMI_EUNSUPPORTED, "%s %s: it makes embeddings and no text; use sumi embed",
                     model_source_name(m->source), m->info.is_encoder ? "is an encoder" : "has no output head");
}

/* The formats of all layers, by name. */
static uint64_t hash_kv_formats(const model *m, sip_key key)
{
    uint64_t hash = 0;
    for (int32_t i = 0; i < m->h.n_layers; i++) {
        const char *name = kv_format_name(m->layers[i].kv_format);
        hash = siphash((sip_key){ hash, key.k0 }, name, strlen(name));
    }
    return hash;
}

kv_fingerprint model_kv_fingerprint(const sumi_model *m, int32_t n_ctx)
{
    kv_fingerprint f;
    for (uint64_t i = 0; i < 2; i++) {
        sip_key key = { i, 0 };
        const char *version = sumi_version();
        uint64_t parts[6] = { model_source_head_hash(m->source, key),
                              m->weights->digest.word[i],
                              siphash(key, m->be->isa, strlen(m->be->isa)),
                              siphash(key, version, strlen(version)),
                              hash_kv_formats(m->weights, key),
                              model_uses_long_rope(m->weights, n_ctx) };
        f.word[i] = siphash(key, parts, sizeof parts);
    }
    return f;
}
