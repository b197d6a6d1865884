/* context.h - what the rest of the engine may know of a context: its cache, for those who share and move blocks. */
#ifndef SUMI_ENGINE_CONTEXT_H
#define SUMI_ENGINE_CONTEXT_H

#include "kv/kv_cache.h"
#include "sumi.h"

const sumi_model *context_model(const sumi_context *ctx);

typedef struct context_cache_opts {
    bool prefix;           /* keep an index of prefixes */
    bool fill_memory;      /* kv_bytes 0 means a quarter of the free memory, not room for one sequence */
    size_t swap_bytes;     /* 0: no swap tier */
    const char *swap_dir;  /* NULL: $TMPDIR or /tmp */
} context_cache_opts;

/* sumi_context_create() with these. EIO: the swap file cannot be made. */
SUMI_MUST_USE sumi_status context_create(sumi_context **out, sumi_model *model, const sumi_context_opts *opts,
                                         const context_cache_opts *cache, sumi_error *err);

SUMI_MUST_USE sumi_status context_check_opts(const sumi_context_opts *opts, sumi_error *err);

/* For swapping and looking; sequences are opened, filled, forked, truncated and closed through the context. */
kv_cache *context_cache(const sumi_context *ctx);

int32_t context_open_seq(sumi_context *ctx, kv_origin origin); /* -1: max_seqs are open */

/* Gives an empty sequence the beginning of ids that is in the index; returns its length, below n_ids. */
int32_t context_attach(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids);

/* The two acts of sumi_step(), which keeps everything.
 *
 * context_forward() computes the rows of spans: logits and hidden states are those of sumi_step(), and no sequence is longer.
 * context_keep(seq, n), once for each sequence of the step, makes the first n of its new tokens permanent, 0 <= n <= n_ids. The
 * others never were: the sequence goes on with the bits of one that never had them, whatever windows its layers have.
 * A sequence that is forked, truncated or closed before its keep keeps none; the next context_forward() does this to all that
 * are left. No sequence is swapped between the two. */
SUMI_MUST_USE sumi_status context_forward(sumi_context *ctx, const sumi_span *spans, int32_t n_spans, sumi_error *err);
void context_keep(sumi_context *ctx, int32_t seq, int32_t n);

/* Bytes of experts' weights that its steps have read until now. */
uint64_t context_expert_bytes(const sumi_context *ctx);

/* To how many tokens `width` sequences that share a prompt can all grow in a pool that is theirs alone, at most n_ctx.
 * Below n_prompt: not even the prompt fits. */
int32_t context_longest(const sumi_context *ctx, int32_t n_prompt, int32_t width);

#endif
