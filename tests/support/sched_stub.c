/* sched_stub.c - see sched_stub.h. */
#include "sched_stub.h"

#include <string.h>

static stub_req *of(const sched_req *r)
{
    return (stub_req *)(uintptr_t)r;
}

static int32_t take_block(stub *m)
{
    assert_true(m->n_free > 0);
    int32_t b = m->free[--m->n_free];
    assert_int_equal(m->refs[b], 0);
    m->refs[b] = 1;
    return b;
}

static void unref_block(stub *m, int32_t b)
{
    assert_true(m->refs[b] > 0);
    if (--m->refs[b] == 0) m->free[m->n_free++] = b;
}

static int32_t blocks_for(int32_t n_tokens)
{
    return (n_tokens + STUB_BLOCK - 1) / STUB_BLOCK;
}

/* The block that the next token is written to is shared and partly full: it is copied first. */
static bool must_copy(const stub *m, const stub_req *q, int32_t seq)
{
    const stub_table *t = &q->tables[seq];
    int32_t n = q->r.seqs[seq].n_cached;
    return n % STUB_BLOCK != 0 && n / STUB_BLOCK < t->n && m->refs[t->blocks[n / STUB_BLOCK]] > 1;
}

static int32_t available(void *user)
{
    return ((stub *)user)->n_free;
}

static int32_t need(void *user, const sched_req *r, int32_t seq, int32_t n)
{
    const stub_req *q = of(r);
    int32_t more = blocks_for(r->seqs[seq].n_cached + n) - q->tables[seq].n;
    return (more > 0 ? more : 0) + must_copy(user, q, seq);
}

static bool reserve(void *user, sched_req *r, int32_t seq, int32_t n)
{
    stub *m = user;
    stub_req *q = of(r);
    stub_table *t = &q->tables[seq];
    assert_true(t->open);
    if (need(user, r, seq, n) > m->n_free) return false;
    if (must_copy(m, q, seq)) {
        int32_t *block = &t->blocks[r->seqs[seq].n_cached / STUB_BLOCK];
        unref_block(m, *block);
        *block = take_block(m);
    }
    for (int32_t end = blocks_for(r->seqs[seq].n_cached + n); t->n < end; m->n_held++) {
        assert_true(t->n < STUB_MAX_BLOCKS);
        t->blocks[t->n++] = take_block(m);
    }
    return true;
}

static int32_t begin(void *user, sched_req *r, int32_t seq)
{
    stub *m = user;
    stub_req *q = of(r);
    stub_table *t = &q->tables[seq];
    assert_false(t->open);
    *t = (stub_table){ .open = true };
    int32_t n = q->n_cached_prompt < r->n_trunk - 1 ? q->n_cached_prompt : r->n_trunk - 1;
    n -= n % STUB_BLOCK;
    if (blocks_for(n) > m->n_free) n = 0;
    for (int32_t end = blocks_for(n); t->n < end; m->n_held++) t->blocks[t->n++] = take_block(m);
    return n;
}

static void fork_table(void *user, sched_req *r, int32_t from, int32_t to)
{
    stub *m = user;
    stub_req *q = of(r);
    assert_true(q->tables[from].open);
    assert_false(q->tables[to].open);
    q->tables[to] = q->tables[from];
    for (int32_t i = 0; i < q->tables[to].n; i++) m->refs[q->tables[to].blocks[i]]++;
    m->n_held += q->tables[to].n;
}

/* Closes seq; what is in the swap tier is not counted here. */
static void drop(void *user, sched_req *r, int32_t seq)
{
    stub *m = user;
    stub_table *t = &of(r)->tables[seq];
    assert_true(t->open);
    for (int32_t i = 0; i < t->n; i++)
        if (t->blocks[i] != STUB_OUT) {
            unref_block(m, t->blocks[i]);
            m->n_held--;
        }
    *t = (stub_table){ 0 };
}

static int32_t held(void *user, const sched_req *r)
{
    int32_t n = 0;
    (void)user;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) n += of(r)->tables[i].n; /* shared ones more than once: an estimate */
    return n;
}

/* Entries of all tables that are in the memory, or in the swap tier. */
static int32_t count_entries(const stub_req *q, bool out)
{
    int32_t n = 0;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        for (int32_t b = 0; b < q->tables[i].n; b++) n += (q->tables[i].blocks[b] == STUB_OUT) == out;
    return n;
}

static int32_t kept(void *user, const sched_req *r)
{
    (void)user;
    return count_entries(of(r), false);
}

static bool swap_out(void *user, sched_req *r)
{
    stub *m = user;
    stub_req *q = of(r);
    if (m->swap_fails || held(m, r) > m->n_swap_free) return false;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        for (int32_t b = 0; b < q->tables[i].n; b++) {
            int32_t *block = &q->tables[i].blocks[b];
            if (m->refs[*block] > 1) continue;
            unref_block(m, *block);
            *block = STUB_OUT;
            m->n_held--;
        }
    m->n_swap_free -= count_entries(q, true);
    return true;
}

static void swap_drop(void *user, sched_req *r)
{
    stub *m = user;
    m->n_swap_free += count_entries(of(r), true);
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (of(r)->tables[i].open) drop(m, r, i);
}

static sumi_status swap_in(void *user, sched_req *r)
{
    stub *m = user;
    stub_req *q = of(r);
    int32_t n = count_entries(q, true);
    if (m->swap_loses) {
        swap_drop(m, r);
        return SUMI_EIO;
    }
    if (n > m->n_free) return SUMI_ELIMIT;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        for (int32_t b = 0; b < q->tables[i].n; b++) {
            int32_t *block = &q->tables[i].blocks[b];
            if (*block != STUB_OUT) continue;
            *block = take_block(m);
            m->n_held++;
        }
    m->n_swap_free += n;
    return SUMI_OK;
}

void stub_init(stub *m, int32_t n_blocks, int32_t n_swap)
{
    assert_true(n_blocks <= STUB_MAX_POOL);
    *m = (stub){ .n_swap_free = n_swap, .n_blocks = n_blocks, .n_free = n_blocks };
    for (int32_t i = 0; i < n_blocks; i++) m->free[i] = i;
    m->memory = (sched_memory){ m,    available, need,    reserve,   begin, fork_table,
                                drop, swap_out,  swap_in, swap_drop, kept,  held };
}

void stub_deinit(stub *m)
{
    assert_int_equal(m->n_held, 0);
    assert_int_equal(m->n_free, m->n_blocks);
}

void stub_trim(stub *m, stub_req *q, int32_t seq)
{
    stub_table *t = &q->tables[seq];
    for (int32_t end = blocks_for(q->r.seqs[seq].n_cached); t->n > end; m->n_held--) unref_block(m, t->blocks[--t->n]);
}

bool stub_check(const stub *m, const stub_req *reqs, int32_t n)
{
    int32_t counts[STUB_MAX_POOL] = { 0 }, n_unused = 0;
    int64_t n_held = 0;
    for (int32_t k = 0; k < n; k++)
        for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) {
            const stub_table *t = &reqs[k].tables[i];
            bool holds = reqs[k].r.state == SCHED_RUNNING || reqs[k].r.state == SCHED_SWAPPED;
            if (t->n > 0 && (!t->open || !reqs[k].active || !holds)) {
                print_message("req %d seq %d n %d open %d active %d state %d trunk %d\n", k, i, t->n, t->open,
                              reqs[k].active, reqs[k].r.state, reqs[k].r.trunk);
                return false;
            }
            for (int32_t b = 0; b < t->n; b++) {
                if (t->blocks[b] == STUB_OUT) continue;
                counts[t->blocks[b]]++;
                n_held++;
            }
        }
    for (int32_t b = 0; b < m->n_blocks; b++) {
        if (counts[b] != m->refs[b]) return false;
        n_unused += counts[b] == 0;
    }
    return n_held == m->n_held && n_unused == m->n_free;
}

int32_t stub_worst(const sched_req *r, int32_t n_max)
{
    int32_t own = blocks_for(n_max) - r->n_prompt / STUB_BLOCK + 1;
    return blocks_for(r->n_prompt) + r->width * own;
}

sched *stub_open(stub *m, int32_t max_seqs, int32_t budget, double stall)
{
    sched *s;
    sched_limits limits = { .max_seqs = max_seqs,
                            .max_requests = 64,
                            .budget = budget,
                            .max_rows = max_seqs + 8,
                            .stall = stall,
                            .chunking = true };
    assert_int_equal(sched_create(&s, &limits, &m->memory, NULL), SUMI_OK);
    return s;
}
