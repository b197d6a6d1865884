/* kv_stub.h - a kv_cache over "blocks" of numbers, and a stub of a model that writes into the slot of a token a
 * number made of all tokens up to it and of the group, as a model's keys depend on all tokens before. So a slot
 * tells whether it holds what it should: kv_stub_verify(). */
#ifndef KV_STUB_H
#define KV_STUB_H

#include "kv/kv_cache.h"

typedef uint64_t kv_stub_block[KV_BLOCK];

typedef struct kv_stub {
    kv_cache *c;
    kv_swap *swap; /* NULL: none */
    kv_layout layout;
    kv_stub_block *memory; /* [n_blocks] */
    int32_t n_blocks;
} kv_stub;

/* windows [n_layers], all of one format; n_slots of swap, 0: none. Fails the test if it cannot. */
kv_stub kv_stub_create(const int32_t *windows, int32_t n_layers, int32_t n_blocks, int32_t max_seqs, int32_t max_tokens,
                       bool prefix, int32_t n_slots);
/* Group 0 has one format, groups 1 and 2 have another; no index, no swap. */
kv_stub kv_stub_create_two_formats(int32_t n_blocks, int32_t max_seqs, int32_t max_tokens);
void kv_stub_destroy(
    kv_stub *s); /* checks first that all invariants hold, and that nothing is left after all is closed */

/* What token ids[n - 1] of a sequence ids[n] has in its slot of group g. */
uint64_t kv_stub_value(kv_origin origin, const int32_t *ids, int32_t n, int32_t group);

/* The forward pass: reserves and writes n tokens after the sequence's own, and commits n_keep of them. False: no
 * room. */
bool kv_stub_step(kv_stub *s, int32_t seq, kv_origin origin, const int32_t *ids, int32_t n, int32_t n_keep);

/* NULL, or what is wrong: every slot that the next token sees holds what was written for its token. */
const char *kv_stub_verify(const kv_stub *s, int32_t seq, kv_origin origin);

/* Opens a sequence, attaches what is known of ids [n] and computes the rest; fails the test if there is no room. */
int32_t kv_stub_prompt(kv_stub *s, kv_origin origin, const int32_t *ids, int32_t n);

#endif
