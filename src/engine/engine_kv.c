/* engine_kv.c - the cache of keys and values as the scheduler sees it (sched_memory), for the requests of an engine. */
#include <assert.h>
#include <string.h>

#include "base/os/clock.h"
#include "engine/engine.h"
#include "engine/sumi_model.h"
#include "kv/kv_cache.h"

static kv_cache *cache_of(void *user)
{
    return context_cache(((sumi_engine *)user)->ctx);
}

static request *of(const sched_req *r)
{
    return (request *)(uintptr_t)r;
}

/* Whose prefixes a request shares: those of its client, of its salt, or of all clients, as the options say. */
static kv_origin origin_of(const sumi_engine *e, const request *r)
{
    const char *salt = r->salt ? r->salt : e->opts.share_prefixes ? "" : r->client->name;
    /* The first letter keeps a salt that a client chose apart from the name of another client. */
    char text[2 * 256 + 8] = "";
    size_t n = 0;
    if (*salt) {
        text[n++] = r->salt ? 's' : 'c';
        memcpy(text + n, salt, strlen(salt));
        n += strlen(salt);
    }
    return (kv_origin){ .salt = kv_cache_salt(context_cache(e->ctx), text, n) };
}

static int32_t available(void *user)
{
    return kv_cache_available(cache_of(user));
}

static int32_t need(void *user, const sched_req *r, int32_t seq, int32_t n)
{
    const sumi_engine *e = user;
    int32_t kv = of(r)->kv_seqs[seq], most = e->ctx_info.n_ctx - kv_cache_len(cache_of(user), kv);
    return kv_cache_need(cache_of(user), kv, n < most ? n : most);
}

static bool reserve(void *user, sched_req *r, int32_t seq, int32_t n)
{
    return kv_cache_reserve(cache_of(user), of(r)->kv_seqs[seq], n);
}

static int32_t begin(void *user, sched_req *s, int32_t seq)
{
    sumi_engine *e = user;
    request *r = of(s);
    r->kv_seqs[seq] = context_open_seq(e->ctx, origin_of(e, r));
    if (!e->opts.prefix_cache || (s->all_rows && !s->has_parted))
        return 0; /* each prompt token needs a row of logits */
    const int32_t *ids = r->prompt;
    if (r->pool.kind == SUMI_POOL_MEAN) /* the mean adds each token once; before a preemption it added pool.n of them */
        return context_attach(e->ctx, r->kv_seqs[seq], ids, r->pool.n + 1);
    if (s->n_trunk > r->params.n_ids) { /* recomputed after a preemption, with the generated tokens */
        for (int32_t i = 0; i < s->n_trunk; i++) e->known[i] = request_token(r, seq, i);
        ids = e->known;
    }
    return context_attach(e->ctx, r->kv_seqs[seq], ids, s->n_trunk);
}

/* The context has numbers for all sequences that may run or wait in the swap tier, so forks and openings do not fail. */
static void fork_seq(void *user, sched_req *s, int32_t from, int32_t to)
{
    request *r = of(s);
    sumi_status st = sumi_seq_fork(((sumi_engine *)user)->ctx, r->kv_seqs[from], &r->kv_seqs[to], NULL);
    assert(st == SUMI_OK);
    (void)st;
}

static void drop(void *user, sched_req *s, int32_t seq)
{
    sumi_engine *e = user;
    int32_t *kv = &of(s)->kv_seqs[seq];
    if (*kv < 0) return;
    e->n_swapped_seqs -= kv_cache_is_swapped(cache_of(e), *kv);
    sumi_seq_close(e->ctx, *kv);
    *kv = -1;
}

/* ---- Swapping ---- */

static int32_t held(void *user, const sched_req *s)
{
    int32_t n = 0;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (of(s)->kv_seqs[i] >= 0) n += kv_cache_swap_cost(cache_of(user), of(s)->kv_seqs[i]).n_out;
    return n;
}

/* Updates the cost of moving a block, a mean that changes slowly. */
static void measure(sumi_engine *e, double start_ms, int32_t n_blocks)
{
    if (n_blocks > 0) e->costs.block_us += 0.2 * ((clock_ms() - start_ms) * 1000 / n_blocks - e->costs.block_us);
}

static bool swap_out(void *user, sched_req *s)
{
    sumi_engine *e = user;
    double start = clock_ms();
    int32_t n = 0;
    if (!e->opts.swap_bytes || e->n_swapped_seqs + s->n_live > e->opts.max_seqs) return false;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) {
        int32_t kv = of(s)->kv_seqs[i];
        if (kv < 0) continue;
        n += kv_cache_swap_cost(cache_of(e), kv).n_out;
        if (kv_cache_swap_out(cache_of(e), kv, NULL) != SUMI_OK) return false;
        e->n_swapped_seqs++;
    }
    measure(e, start, n);
    return true;
}

static int32_t kept(void *user, const sched_req *s)
{
    int32_t n = 0;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (of(s)->kv_seqs[i] >= 0) n += kv_cache_swap_cost(cache_of(user), of(s)->kv_seqs[i]).n_shared;
    return n;
}

static void swap_drop(void *user, sched_req *s)
{
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) drop(user, s, i);
}

static sumi_status swap_in(void *user, sched_req *s)
{
    sumi_engine *e = user;
    double start = clock_ms();
    int32_t n = 0;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (of(s)->kv_seqs[i] >= 0) n += kv_cache_swap_cost(cache_of(e), of(s)->kv_seqs[i]).n_in;
    if (n > kv_cache_available(cache_of(e))) return SUMI_ELIMIT;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) {
        int32_t kv = of(s)->kv_seqs[i];
        if (kv < 0) continue;
        if (kv_cache_swap_in(cache_of(e), kv, NULL) != SUMI_OK) {
            swap_drop(e, s);
            return SUMI_EIO;
        }
        e->n_swapped_seqs--;
    }
    measure(e, start, n);
    return SUMI_OK;
}

sched_memory engine_kv_memory(sumi_engine *e)
{
    return (sched_memory){ .user = e,
                           .available = available,
                           .need = need,
                           .reserve = reserve,
                           .begin = begin,
                           .fork = fork_seq,
                           .drop = drop,
                           .swap_out = swap_out,
                           .swap_in = swap_in,
                           .swap_drop = swap_drop,
                           .kept = kept,
                           .held = held };
}
