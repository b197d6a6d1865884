/* test_kv_events.c - random events on a cache whose blocks tell what they hold (kv_stub.h): prompts that often
 * share prefixes, decoding and speculative steps, truncations, forks, swaps, more sequences than the pool holds.
 * Every slot that a step would read is verified before the step, and all invariants after every event. */
#include <stdlib.h>
#include <string.h>

#include "kv_stub.h"
#include "test_support.h"

enum { MAX_SEQS = 12, MAX_TOKENS = 400 };

typedef struct world {
    kv_stub s;
    kv_cache *c; /* of s */
    int32_t n_open;
    int32_t open[MAX_SEQS];
    int32_t text[MAX_SEQS][MAX_TOKENS];
    int32_t len[MAX_SEQS];
    kv_origin origin[MAX_SEQS];
    test_rng rng;
    int64_t n_hits, n_swaps, n_forks, n_shrunk, n_refused;
} world;

static void verify(const world *w, int32_t seq)
{
    assert_int_equal(kv_cache_len(w->c, seq), w->len[seq]);
    assert_memory_equal(kv_cache_ids(w->c, seq), w->text[seq], (size_t)w->len[seq] * sizeof(int32_t));
    const char *wrong = kv_stub_verify(&w->s, seq, w->origin[seq]);
    if (wrong) fail_msg("sequence %d of %d tokens: %s", seq, w->len[seq], wrong);
}

/* Computes text[len ...] and keeps a part of it, as a speculative step does. */
static void step(world *w, int32_t seq, int32_t n, int32_t n_keep)
{
    verify(w, seq);
    int32_t need = kv_cache_need(w->c, seq, n), available = kv_cache_available(w->c);
    bool ok = kv_stub_step(&w->s, seq, w->origin[seq], w->text[seq] + w->len[seq], n, n_keep);
    assert_int_equal(ok, need <= available);
    w->n_refused += !ok;
    if (!ok) return;
    w->len[seq] += n_keep;
    if (n_keep < n && test_rng_range(&w->rng, 0, 1)) kv_cache_truncate(w->c, seq, w->len[seq]);
}

/* A few stems of few tokens, so that prompts often share prefixes. */
static void write_prompt(world *w, int32_t seq, int32_t n)
{
    int32_t stem = test_rng_range(&w->rng, 0, 2), cut = test_rng_range(&w->rng, 0, n);
    for (int32_t i = 0; i < n; i++) w->text[seq][i] = i < cut ? stem : test_rng_range(&w->rng, 0, 1);
}

static void open_one(world *w)
{
    kv_origin origin = { (uint64_t)(test_rng_range(&w->rng, 0, 5) == 0),
                         (uint64_t)(test_rng_range(&w->rng, 0, 5) == 0) };
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
    step(w, seq, n - w->len[seq], n - w->len[seq]);
}

static void grow(world *w, int32_t seq)
{
    int32_t room = MAX_TOKENS - w->len[seq], n = test_rng_range(&w->rng, 1, test_rng_range(&w->rng, 0, 9) ? 3 : 70);
    if (n > room) n = room;
    for (int32_t i = 0; i < n; i++) w->text[seq][w->len[seq] + i] = test_rng_range(&w->rng, 0, 1);
    step(w, seq, n, test_rng_range(&w->rng, 0, n));
}

static void shrink(world *w, int32_t seq)
{
    int32_t n = test_rng_range(&w->rng, 0, w->len[seq]), left = kv_cache_truncate(w->c, seq, n);
    assert_true(left == n || left == 0);
    w->n_shrunk += left > 0;
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
    w->n_forks++;
    verify(w, seq);
}

static void close_one(world *w, int32_t i)
{
    kv_cache_close(w->c, w->open[i]);
    w->open[i] = w->open[--w->n_open];
}

static void swap_out(world *w, int32_t seq)
{
    kv_swap_cost cost = kv_cache_swap_cost(w->c, seq);
    int32_t n_slots = kv_swap_n_free(w->s.swap), available = kv_cache_available(w->c);
    sumi_status status = kv_cache_swap_out(w->c, seq, NULL);
    assert_int_equal(status, cost.n_out <= n_slots ? SUMI_OK : SUMI_ELIMIT);
    if (status != SUMI_OK) return;
    assert_int_equal(kv_swap_n_free(w->s.swap), n_slots - cost.n_out);
    assert_true(kv_cache_available(w->c) >= available + cost.n_out);
    w->n_swaps++;
}

static void swap_in(world *w, int32_t seq)
{
    kv_swap_cost cost = kv_cache_swap_cost(w->c, seq);
    kv_cache_stats before, after;
    kv_cache_get_stats(w->c, &before);
    sumi_status status = kv_cache_swap_in(w->c, seq, NULL);
    assert_int_equal(status == SUMI_OK, cost.n_take <= before.n_free + before.n_cached);
    kv_cache_get_stats(w->c, &after);
    int32_t available = kv_cache_available(w->c);
    if (status != SUMI_OK) {
        assert_int_equal(available, before.n_free + before.n_cached);
        return;
    }
    assert_true(available >= before.n_free + before.n_cached - cost.n_take);
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
    else if (kv_cache_is_swapped(w->c, seq)) swap_in(w, seq);
    else if (what < 28) swap_out(w, seq);
    else if (what < 34) fork_one(w, seq);
    else if (what < 42) shrink(w, seq);
    else grow(w, seq);
}

static void run_events(const int32_t *windows, int32_t n_layers, int32_t n_blocks, bool prefix, uint64_t seed,
                       int n_events)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->s = kv_stub_create(windows, n_layers, n_blocks, MAX_SEQS, MAX_TOKENS, prefix, 60);
    w->c = w->s.c;
    w->rng = test_rng_init(seed);
    for (int event = 0; event < n_events; event++) {
        random_event(w);
        const char *broken = kv_cache_check(w->c);
        if (broken) fail_msg("seed %llu, event %d: %s", (unsigned long long)seed, event, broken);
    }
    kv_cache_stats stats;
    kv_cache_get_stats(w->c, &stats);
    assert_int_equal(w->n_hits > 0, prefix);
    assert_int_equal(stats.n_evicted > 0, prefix);
    assert_true(w->n_swaps > 0 && w->n_forks > 0 && w->n_refused > 0 && w->n_shrunk > 0 && stats.n_copied > 0);
    for (int32_t i = 0; i < w->n_open; i++)
        if (!kv_cache_is_swapped(w->c, w->open[i])) verify(w, w->open[i]);
    while (w->n_open) close_one(w, 0);
    kv_stub_destroy(&w->s);
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
