/* sched_stub.h - a memory of keys and values for tests of the scheduler: real block numbers and reference counts, and
 * no bytes behind them.
 *
 * Each sequence has a table of blocks; a fork shares them, and a shared last block that is only partly full is replaced
 * by a new one before it is written, as a cache would copy it. Swapping moves the blocks that nobody else holds to a tier
 * of limited size; shared ones stay. */
#ifndef TEST_SCHED_STUB_H
#define TEST_SCHED_STUB_H

#include "engine/schedule.h"
#include "test_support.h"

enum { STUB_BLOCK = 4, STUB_MAX_BLOCKS = 128, STUB_MAX_POOL = 1024, STUB_OUT = -1 };

typedef struct stub_table {
    bool open;
    int32_t n, blocks[STUB_MAX_BLOCKS]; /* STUB_OUT: in the swap tier */
} stub_table;

typedef struct stub_req {
    sched_req r; /* first */
    stub_table tables[SCHED_MAX_SEQS];
    int32_t n_max;              /* tokens of its sequences in the end */
    int32_t n_cached_prompt;    /* what begin() finds */
    int64_t added_at, ended_at; /* steps */
    bool active;
} stub_req;

typedef struct stub {
    int32_t n_blocks, n_free;
    int32_t refs[STUB_MAX_POOL], free[STUB_MAX_POOL]; /* the first n_free are free */
    int32_t n_swap_free;
    bool swap_fails, swap_loses;
    int64_t n_held; /* entries of all tables */
    sched_memory memory;
} stub;

void stub_init(stub *m, int32_t n_blocks, int32_t n_swap);
void stub_deinit(stub *m); /* checks that nothing is held */

/* A scheduler over m, with chunks; stall: see sched_limits. */
sched *stub_open(stub *m, int32_t max_seqs, int32_t budget, double stall);

/* Gives back the blocks behind the cached tokens of seq, as a cache does for tokens that were not kept. */
void stub_trim(stub *m, stub_req *q, int32_t seq);

/* True if the tables of the n requests hold exactly what the counts say is held. */
bool stub_check(const stub *m, const stub_req *reqs, int32_t n);

/* Blocks that r may need at worst. */
int32_t stub_worst(const sched_req *r, int32_t n_max);

#endif
