/* kv_stub.c - see kv_stub.h. */
#include "kv_stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_support.h"

static void copy_block(void *self, int32_t dst, int32_t src)
{
    kv_stub_block *m = self;
    memcpy(m[dst], m[src], sizeof *m);
}

static void read_block(const void *self, int32_t block, void *bytes)
{
    memcpy(bytes, ((const kv_stub_block *)self)[block], sizeof(kv_stub_block));
}

static void write_block(void *self, int32_t block, const void *bytes)
{
    memcpy(((kv_stub_block *)self)[block], bytes, sizeof(kv_stub_block));
}

static void clear_block(void *self, int32_t block)
{
    memset(((kv_stub_block *)self)[block], 0, sizeof(kv_stub_block));
}

/* Layers with so many bytes that a block number has those of a kv_stub_block. */
static kv_layout make_layout(const int32_t *windows, int32_t n_layers)
{
    kv_layer layers[KV_MAX_LAYERS] = { 0 };
    kv_layout l;
    for (int32_t i = 0; i < n_layers; i++) layers[i] = (kv_layer){ .window = windows[i], .block_bytes = 1 };
    kv_layout_init(&l, layers, n_layers);
    for (int32_t i = 0; i < n_layers; i++) layers[i].block_bytes = sizeof(kv_stub_block) / kv_group_size(&l, 0);
    kv_layout_init(&l, layers, n_layers);
    assert_int_equal(l.block_bytes, sizeof(kv_stub_block));
    return l;
}

static kv_stub create(const kv_layout *layout, int32_t n_blocks, int32_t max_seqs, int32_t max_tokens, bool prefix,
                      int32_t n_slots)
{
    kv_stub s = { .layout = *layout, .n_blocks = n_blocks };
    s.memory = calloc((size_t)n_blocks, sizeof *s.memory);
    assert_non_null(s.memory);
    size_t slot = sizeof(kv_stub_block);
    if (n_slots) assert_int_equal(kv_swap_create(&s.swap, "/tmp", (size_t)n_slots * slot, slot, NULL), SUMI_OK);
    kv_cache_opts o = { .layout = &s.layout,
                        .n_blocks = n_blocks,
                        .max_seqs = max_seqs,
                        .max_tokens = max_tokens,
                        .prefix = prefix,
                        .swap = s.swap,
                        .memory = { s.memory, sizeof(kv_stub_block), copy_block, read_block, write_block,
                                    clear_block } };
    assert_int_equal(kv_cache_create(&s.c, &o, NULL), SUMI_OK);
    return s;
}

kv_stub kv_stub_create(const int32_t *windows, int32_t n_layers, int32_t n_blocks, int32_t max_seqs, int32_t max_tokens,
                       bool prefix, int32_t n_slots)
{
    kv_layout l = make_layout(windows, n_layers);
    return create(&l, n_blocks, max_seqs, max_tokens, prefix, n_slots);
}

kv_stub kv_stub_create_two_formats(int32_t n_blocks, int32_t max_seqs, int32_t max_tokens)
{
    const size_t bytes = sizeof(kv_stub_block);
    const kv_layer layers[] = { { 0, 0, bytes }, { 0, 1, bytes }, { max_tokens, 1, bytes } };
    kv_layout l;
    kv_layout_init(&l, layers, 3);
    return create(&l, n_blocks, max_seqs, max_tokens, false, 0);
}

void kv_stub_destroy(kv_stub *s)
{
    kv_cache_stats stats;
    const char *broken = kv_cache_check(s->c);
    if (broken) fail_msg("%s", broken);
    kv_cache_get_stats(s->c, &stats);
    if (stats.n_seqs == 0) {
        kv_cache_drop_cached(s->c);
        kv_cache_get_stats(s->c, &stats);
        assert_int_equal(stats.n_free, s->n_blocks);
        if (s->swap) assert_int_equal(kv_swap_n_free(s->swap), kv_swap_n_slots(s->swap));
    }
    kv_cache_destroy(s->c);
    kv_swap_destroy(s->swap);
    free(s->memory);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15ULL)) * 0xbf58476d1ce4e5b9ULL;
    return x ^ (x >> 29);
}

/* A running state of all tokens so far. */
static uint64_t start(kv_origin origin)
{
    return mix(origin.salt, origin.adapter);
}

uint64_t kv_stub_value(kv_origin origin, const int32_t *ids, int32_t n, int32_t group)
{
    uint64_t state = start(origin);
    for (int32_t i = 0; i < n; i++) state = mix(state, (uint64_t)ids[i]);
    return mix(state, (uint64_t)group);
}

bool kv_stub_step(kv_stub *s, int32_t seq, kv_origin origin, const int32_t *ids, int32_t n, int32_t n_keep)
{
    if (!kv_cache_reserve(s->c, seq, n)) return false;
    int32_t stride = kv_cache_table_stride(s->c), len = kv_cache_len(s->c, seq);
    const int32_t *tables = kv_cache_tables(s->c, seq);
    uint64_t state = start(origin);
    for (int32_t i = 0; i < len; i++) state = mix(state, (uint64_t)kv_cache_ids(s->c, seq)[i]);
    for (int32_t i = 0; i < n; i++) {
        state = mix(state, (uint64_t)ids[i]);
        for (int32_t g = 0; g < s->layout.n_groups; g++)
            s->memory[tables[g * stride + (len + i) / KV_BLOCK]][(len + i) % KV_BLOCK] = mix(state, (uint64_t)g);
    }
    kv_cache_commit(s->c, seq, ids, n_keep);
    return true;
}

const char *kv_stub_verify(const kv_stub *s, int32_t seq, kv_origin origin)
{
    int32_t len = kv_cache_len(s->c, seq), stride = kv_cache_table_stride(s->c);
    const int32_t *ids = kv_cache_ids(s->c, seq), *tables = kv_cache_tables(s->c, seq);
    uint64_t state = start(origin);
    for (int32_t pos = 0; pos < len; pos++) {
        state = mix(state, (uint64_t)ids[pos]);
        for (int32_t g = 0; g < s->layout.n_groups; g++) {
            if (pos < kv_first_seen(s->layout.window[g], len)) continue;
            int32_t block = tables[g * stride + pos / KV_BLOCK];
            if (block < 0 || block >= s->n_blocks) return "a table has no block where one is seen";
            if (s->memory[block][pos % KV_BLOCK] != mix(state, (uint64_t)g)) return "a slot holds another token";
        }
    }
    return NULL;
}

int32_t kv_stub_prompt(kv_stub *s, kv_origin origin, const int32_t *ids, int32_t n)
{
    int32_t seq = kv_cache_open(s->c, origin);
    assert_true(seq >= 0);
    int32_t hit = kv_cache_attach(s->c, seq, ids, n);
    assert_null(kv_stub_verify(s, seq, origin));
    assert_true(kv_stub_step(s, seq, origin, ids + hit, n - hit, n - hit));
    return seq;
}
