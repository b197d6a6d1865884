/* test_kv_events.c - random events on a cache whose "blocks" store the tokens that they should hold.
 *
 * The stub of a model writes into every slot a number made of the whole sequence up to that token and of the group, as a
 * model's keys depend on all tokens before. Before each step it reads back every slot that the window of each group shows:
 * what a wrong hit, a lost copy, a block given out twice or a damaged swap slot would change is seen at once. After
 * every event all invariants are checked. */
#include "kv/kv_cache.h"

#include <stdlib.h>
#include <string.h>

#include "test_support.h"

enum { MAX_SEQS = 12, MAX_TOKENS = 400, MAX_GROUPS = 4 };

typedef uint64_t block_text[KV_BLOCK];

typedef struct world {
    kv_cache *c;
    kv_swap *swap;
    kv_layout layout;
    block_text *memory; /* [n_blocks] */
    int32_t n_blocks, n_open;
    int32_t open[MAX_SEQS];
    uint64_t truth[MAX_SEQS][MAX_TOKENS + 1]; /* truth[s][n]: the state after n tokens of sequence s */
    int32_t text[MAX_SEQS][MAX_TOKENS];
    int32_t len[MAX_SEQS];
    kv_origin origin[MAX_SEQS];
    test_rng rng;
    int64_t n_hits, n_swaps, n_forks, n_restored, n_refused;
} world;

static void copy_block(void *self, int32_t dst, int32_t src)
{
    block_text *m = self;
    memcpy(m[dst], m[src], sizeof *m);
}

static void read_block(const void *self, int32_t block, void *bytes)
{
    memcpy(bytes, ((const block_text *)self)[block], sizeof(block_text));
}

static void write_block(void *self, int32_t block, const void *bytes)
{
    memcpy(((block_text *)self)[block], bytes, sizeof(block_text));
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15ULL)) * 0xbf58476d1ce4e5b9ULL;
    return x ^ (x >> 29);
}

static void world_init(world *w, const int32_t *windows, int32_t n_layers, int32_t n_blocks, bool prefix, uint64_t seed)
{
    *w = (world){ .n_blocks = n_blocks, .rng = test_rng_init(seed) };
    kv_layout_init(&w->layout, n_layers, windows, 1, 2, false);
    assert_true(w->layout.n_groups <= MAX_GROUPS);
    w->memory = calloc((size_t)n_blocks, sizeof *w->memory);
    assert_int_equal(kv_swap_create(&w->swap, "/tmp", 60 * sizeof(block_text), sizeof(block_text), NULL), SUMI_OK);
    kv_cache_opts o = { .layout = &w->layout, .n_blocks = n_blocks, .max_seqs = MAX_SEQS, .max_tokens = MAX_TOKENS,
                        .prefix = prefix, .swap = w->swap,
                        .memory = { w->memory, sizeof(block_text), copy_block, read_block, write_block } };
    assert_int_equal(kv_cache_create(&w->c, &o, NULL), SUMI_OK);
}

static void world_deinit(world *w)
{
    while (w->n_open) kv_cache_close(w->c, w->open[--w->n_open]);
    kv_cache_stats stats;
    assert_null(kv_cache_check(w->c));
    kv_cache_drop_cached(w->c);
    kv_cache_get_stats(w->c, &stats);
    assert_int_equal(stats.n_free, w->n_blocks);
    assert_int_equal(kv_swap_n_free(w->swap), kv_swap_n_slots(w->swap));
    kv_cache_destroy(w->c);
    kv_swap_destroy(w->swap);
    free(w->memory);
}

/* Every slot that the next token sees holds what was written for its token. */
static void verify(const world *w, int32_t seq)
{
    int32_t len = w->len[seq], stride = kv_cache_table_stride(w->c);
    assert_int_equal(kv_cache_len(w->c, seq), len);
    assert_memory_equal(kv_cache_ids(w->c, seq), w->text[seq], (size_t)len * sizeof(int32_t));
    const int32_t *tables = kv_cache_tables(w->c, seq);
    for (int32_t g = 0; g < w->layout.n_groups; g++)
        for (int32_t pos = kv_first_seen(w->layout.window[g], len); pos < len; pos++) {
            int32_t block = tables[g * stride + pos / KV_BLOCK];
            if (block < 0 || w->memory[block][pos % KV_BLOCK] != mix(w->truth[seq][pos + 1], (uint64_t)g))
                fail_msg("sequence %d of %d tokens: position %d of group %d is wrong (block %d)", seq, len, pos, g, block);
        }
}

static void set_text(world *w, int32_t seq, int32_t pos, int32_t id)
{
    if (pos == 0) w->truth[seq][0] = mix(w->origin[seq].salt, w->origin[seq].adapter);
    w->text[seq][pos] = id;
    w->truth[seq][pos + 1] = mix(w->truth[seq][pos], (uint64_t)id);
}

/* The forward pass: writes text[len ...] and commits a part of it, as a speculative step does. */
static void step(world *w, int32_t seq, int32_t n, int32_t n_keep)
{
    verify(w, seq);
    int32_t need = kv_cache_need(w->c, seq, n), available = kv_cache_available(w->c);
    bool ok = kv_cache_reserve(w->c, seq, n);
    assert_int_equal(ok, need <= available);
    w->n_refused += !ok;
    if (!ok) return;
    int32_t stride = kv_cache_table_stride(w->c), len = w->len[seq];
    const int32_t *tables = kv_cache_tables(w->c, seq);
    for (int32_t g = 0; g < w->layout.n_groups; g++)
        for (int32_t pos = len; pos < len + n; pos++)
            w->memory[tables[g * stride + pos / KV_BLOCK]][pos % KV_BLOCK] = mix(w->truth[seq][pos + 1], (uint64_t)g);
    kv_cache_commit(w->c, seq, w->text[seq] + len, n_keep);
    w->len[seq] += n_keep;
    if (n_keep < n && test_rng_range(&w->rng, 0, 1)) kv_cache_truncate(w->c, seq, w->len[seq]);
}

/* A few stems of few tokens, so that prompts often share prefixes. */
static void write_prompt(world *w, int32_t seq, int32_t n)
{
    int32_t stem = test_rng_range(&w->rng, 0, 2), cut = test_rng_range(&w->rng, 0, n);
    for (int32_t i = 0; i < n; i++) set_text(w, seq, i, i < cut ? stem : test_rng_range(&w->rng, 0, 1));
}

static void open_one(world *w)
{
    kv_origin origin = { (uint64_t)(test_rng_range(&w->rng, 0, 5) == 0), (uint64_t)(test_rng_range(&w->rng, 0, 5) == 0) };
    int32_t seq = kv_cache_open(w->c, origin);
    assert_int_equal(seq < 0, w->n_open == MAX_SEQS);
    if (seq < 0) return;
    w->open[w->n_open++] = seq;
    w->origin[seq] = origin;
    int32_t n = test_rng_range(&w->rng, 1, MAX_TOKENS / 2), before = kv_cache_available(w->c);
    write_prompt(w, seq, n);
    int32_t match = kv_cache_match(w->c, origin, w->text[seq], n);
    w->len[seq] = kv_cache_attach(w->c, seq, w->text[seq], n);
    assert_int_equal(match, w->len[seq]);
    assert_true(w->len[seq] < n && w->len[seq] % KV_BLOCK == 0 && kv_cache_available(w->c) <= before);
    w->n_hits += w->len[seq];
    verify(w, seq);
    step(w, seq, n - w->len[seq], n - w->len[seq]);
}

static void grow(world *w, int32_t seq)
{
    int32_t room = MAX_TOKENS - w->len[seq], n = test_rng_range(&w->rng, 1, test_rng_range(&w->rng, 0, 9) ? 3 : 70);
    if (n > room) n = room;
    for (int32_t i = 0; i < n; i++) set_text(w, seq, w->len[seq] + i, test_rng_range(&w->rng, 0, 1));
    step(w, seq, n, test_rng_range(&w->rng, 0, n));
}

static void shrink(world *w, int32_t seq)
{
    int32_t n = test_rng_range(&w->rng, 0, w->len[seq]), left = kv_cache_truncate(w->c, seq, n);
    assert_true(left == n || left == 0);
    w->n_restored += left > 0;
    w->len[seq] = left;
    if (left == 0) w->len[seq] = kv_cache_attach(w->c, seq, w->text[seq], n);
}

static void fork_one(world *w, int32_t src)
{
    int32_t seq = kv_cache_fork(w->c, src);
    assert_int_equal(seq < 0, w->n_open == MAX_SEQS);
    if (seq < 0) return;
    w->open[w->n_open++] = seq;
    w->origin[seq] = w->origin[src];
    w->len[seq] = w->len[src];
    memcpy(w->text[seq], w->text[src], sizeof w->text[0]);
    memcpy(w->truth[seq], w->truth[src], sizeof w->truth[0]);
    w->n_forks++;
    verify(w, seq);
}

static void close_one(world *w, int32_t i)
{
    kv_cache_close(w->c, w->open[i]);
    w->open[i] = w->open[--w->n_open];
}

static void swap_one(world *w, int32_t seq)
{
    kv_swap_cost cost = kv_cache_swap_cost(w->c, seq);
    kv_cache_stats before, after;
    kv_cache_get_stats(w->c, &before);
    int32_t n_slots = kv_swap_n_free(w->swap), available = kv_cache_available(w->c);
    if (!kv_cache_is_swapped(w->c, seq)) {
        sumi_status status = kv_cache_swap_out(w->c, seq, NULL);
        assert_int_equal(status, cost.n_out <= n_slots ? SUMI_OK : SUMI_ELIMIT);
        if (status != SUMI_OK) return;
        assert_int_equal(kv_swap_n_free(w->swap), n_slots - cost.n_out);
        assert_true(kv_cache_available(w->c) >= available + cost.n_out);
        w->n_swaps++;
        return;
    }
    if (kv_cache_swap_in(w->c, seq, NULL) != SUMI_OK) return;
    kv_cache_get_stats(w->c, &after);
    assert_int_equal(after.n_swapped_in - before.n_swapped_in, cost.n_in);
    verify(w, seq);
}

static void random_event(world *w)
{
    int32_t what = test_rng_range(&w->rng, 0, 99);
    if (w->n_open == 0 || what < 12) {
        open_one(w);
        return;
    }
    int32_t i = test_rng_range(&w->rng, 0, w->n_open - 1), seq = w->open[i];
    if (what < 22) close_one(w, i);
    else if (what < 28 || kv_cache_is_swapped(w->c, seq)) swap_one(w, seq);
    else if (what < 34) fork_one(w, seq);
    else if (what < 42) shrink(w, seq);
    else grow(w, seq);
}

static void run_events(const int32_t *windows, int32_t n_layers, int32_t n_blocks, bool prefix, uint64_t seed, int n_events)
{
    world *w = malloc(sizeof *w);
    world_init(w, windows, n_layers, n_blocks, prefix, seed);
    for (int event = 0; event < n_events; event++) {
        random_event(w);
        const char *broken = kv_cache_check(w->c);
        if (broken) fail_msg("seed %llu, event %d: %s", (unsigned long long)seed, event, broken);
    }
    for (int32_t i = 0; i < w->n_open; i++)
        if (!kv_cache_is_swapped(w->c, w->open[i])) verify(w, w->open[i]);
    assert_int_equal(w->n_hits > 0, prefix);
    assert_true(w->n_swaps > 0 && w->n_forks > 0 && w->n_refused > 0 && w->n_restored > 0);
    world_deinit(w);
    free(w);
}

static void all_layers_see_everything(void **state)
{
    (void)state;
    const int32_t windows[4] = { 0 };
    run_events(windows, 4, 60, true, 1, 40000);
    run_events(windows, 4, 60, false, 2, 10000);
}

static void windows_and_full_layers_share_a_pool(void **state)
{
    (void)state;
    const int32_t windows[4] = { 40, 40, 40, 0 };
    run_events(windows, 4, 110, true, 3, 40000);
    run_events(windows, 4, 110, false, 4, 10000);
}

static void all_layers_have_a_window(void **state)
{
    (void)state;
    const int32_t near[2] = { 3, 3 }, far[2] = { 64, 64 }, mixed[3] = { 16, 100, 33 };
    run_events(near, 2, 20, true, 5, 20000);
    run_events(far, 2, 40, true, 6, 20000);
    run_events(mixed, 3, 70, true, 7, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_layers_see_everything),
        cmocka_unit_test(windows_and_full_layers_share_a_pool),
        cmocka_unit_test(all_layers_have_a_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
