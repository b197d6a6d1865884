/* context.h - a context for the rest of the engine: access to its cache, to share and move blocks. */
#ifndef SUMI_ENGINE_CONTEXT_H
#define SUMI_ENGINE_CONTEXT_H

#include "kv/kv_cache.h"
#include "sumi.h"

const sumi_model *context_model(const sumi_context *ctx);

typedef struct context_cache_opts {
    bool prefix;          /* keep an index of prefixes */
    bool fill_memory;     /* kv_bytes 0 means a quarter of the free memory, not the size of one sequence */
    size_t swap_bytes;    /* 0: no swap tier */
    const char *swap_dir; /* NULL: $TMPDIR or /tmp */
} context_cache_opts;

/* sumi_context_create() with these options. EIO: the swap file cannot be made. */
SUMI_MUST_USE sumi_status context_create(sumi_context **out, sumi_model *model, const sumi_context_opts *opts,
                                         const context_cache_opts *cache, sumi_error *err);

SUMI_MUST_USE sumi_status context_check_opts(const sumi_context_opts *opts, sumi_error *err);

/* For swapping and reading only; sequences are opened, filled, forked, truncated and closed through the context. */
kv_cache *context_cache(const sumi_context *ctx);

int32_t context_open_seq(sumi_context *ctx, kv_origin origin); /* -1: max_seqs are open */

/* Gives an empty sequence the longest beginning of ids that is in the index; returns its length, below n_ids. */
int32_t context_attach(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids);

/* The two acts of sumi_step(), which keeps everything.
 *
 * context_forward() computes the rows of spans: logits and hidden states are those of sumi_step(), but no sequence becomes
 * longer. context_keep(seq, n) makes the first n new tokens of the sequence permanent, 0 <= n <= n_ids; call it once for
 * each sequence of the step. The other new tokens leave no trace: the sequence continues with the bits of a sequence that
 * never had them, whatever windows its layers have. A sequence that is forked, truncated or closed before context_keep()
 * keeps none of its new tokens; the next context_forward() drops those of all other sequences, too. No sequence is swapped
 * between the two calls. */
SUMI_MUST_USE sumi_status context_forward(sumi_context *ctx, const sumi_span *spans, int32_t n_spans, sumi_error *err);
void context_keep(sumi_context *ctx, int32_t seq, int32_t n);

/* Bytes of experts' weights that the context's steps have read so far. */
uint64_t context_expert_bytes(const sumi_context *ctx);

/* The length to which `width` sequences that share a prompt can all grow if they have the pool alone, at most n_ctx. A
 * result below n_prompt: not even the prompt fits. */
int32_t context_longest(const sumi_context *ctx, int32_t n_prompt, int32_t width);

#endif
