/* sumi_model.h - the inside of a sumi_model: everything that is read from one model; it never changes afterwards. */
#ifndef SUMI_ENGINE_SUMI_MODEL_H
#define SUMI_ENGINE_SUMI_MODEL_H

#include "base/log.h"
#include "format/model_source.h"
#include "jinja/chat_template.h"
#include "kv/kv_disk.h"
#include "model/model.h"
#include "text/tokenizer.h"

struct sumi_model {
    model_source *source; /* the other members point into its memory */
    tokenizer *tok;
    chat_template *chat; /* NULL: the file has none, or it does not compile (chat_error says why) */
    sumi_error chat_error;
    backend *be;    /* NULL when vocab_only */
    model *weights; /* NULL when vocab_only */
    logger log;
    bool strict_roles;
    sumi_model_info info;
    char *name; /* general.name as a C string */
};

const tokenizer *model_tokenizer(const sumi_model *m);

/* The requested instruction set, from the options or from SUMI_ISA; NULL: the best. */
const char *model_isa(const sumi_model_opts *opts);

/* EUNSUPPORTED: the model is an encoder, which has no logits. */
SUMI_MUST_USE sumi_status model_check_generates(const sumi_model *m, sumi_error *err);

/* A fingerprint of everything but tokens that the bytes of keys and values depend on: the file, the kernels, their
 * precision, this version of sumi. For kv_disk.h. The model must have weights. */
kv_fingerprint model_kv_fingerprint(const sumi_model *m, int32_t n_ctx);

#endif
