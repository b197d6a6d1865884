/* limits.h - what this machine can do at most: reading memory, multiplying numbers, starting a loop on all threads.
 *
 * A kernel is judged by its share of these. So they are measured, not computed from clock rates, with loops that do
 * one thing and nothing else:
 *
 *   arithmetic  chains of one instruction on registers, enough of them to hide its latency      rates.c
 *   reading     sums over a buffer that lies in one level of the memory, each thread its own    bandwidth.c
 *   fork-join   a loop of one empty item for each thread                                         limits.c
 *
 * Every figure is the best of several short runs: other work on the machine can only make a run slower.
 * Threads: one caller at a time, the pool does the rest. */
#ifndef SUMI_BENCH_LIMITS_H
#define SUMI_BENCH_LIMITS_H

#include "base/os/pool.h"

/* ---- Arithmetic ---- */

typedef struct limit_loop {
    const char *level;       /* as SUMI_ISA names it */
    const char *type;        /* of the factors: "f32", "int8", "bf16" */
    const char *instruction; /* what the loop repeats */
    uint32_t needs;          /* CPU_HAS_ bits */
    double ops;              /* multiplications and additions in one round */
    void (*run)(int64_t n_rounds);
} limit_loop;

/* The i-th loop that this machine can run, from the lowest level up; NULL: there are no more. */
const limit_loop *limits_loop(int32_t i);

/* The loop of a level and a type, or NULL: no such loop, or not on this machine. What amx has no tiles for is done with
 * AVX-512, and so is its loop. */
const limit_loop *limits_find(const char *level, const char *type);

/* 1e9 operations per second with all threads of the pool together; measures for about ms milliseconds. */
double limits_rate(pool *p, const limit_loop *loop, double ms);

/* ---- Reading ---- */

typedef enum limit_memory { LIMIT_L1, LIMIT_L2, LIMIT_L3, LIMIT_DRAM, LIMIT_N_MEMORIES } limit_memory;

const char *limits_memory_name(limit_memory memory); /* "L1", ..., "DRAM" */

/* Memory for the measurement: a region for each thread, filled, so that every page is there. Half of a cache that a
 * processor has for itself; half of the L3 cache, and four times it as DRAM, for all threads together. */
typedef struct limit_regions {
    uint8_t *data; /* [n_threads][bytes] */
    size_t bytes;  /* of one region */
    int32_t n_threads;
    struct limit_cursor *cursors; /* [n_threads] */
} limit_regions;

/* SUMI_ENOMEM: no room. Free with limits_regions_deinit(), which also takes a zeroed object. */
SUMI_MUST_USE sumi_status limits_regions_init(limit_regions *r, pool *p, limit_memory memory, sumi_error *err);
void limits_regions_deinit(limit_regions *r);

/* 1e9 bytes per second that all threads of p together read; p has at most as many threads as there are regions.
 * Measures for about ms milliseconds. */
double limits_read(pool *p, limit_regions *r, double ms);

/* ---- Threads ---- */

/* Microseconds from the start of a loop with one empty item for each thread until the caller goes on: the median. */
double limits_fork_join(pool *p);

/* ---- Inside this folder ---- */

/* Repeats pool_for() over n_items items for about ms milliseconds; the shortest of its times in ns. */
double limits_shortest(pool *p, int64_t n_items, pool_fn fn, void *arg, double ms);

#endif
