/* bench.h - the parts of sumi bench: cmd_bench.c reads the arguments, bench_model.c measures a model, bench_hardware.c
 * the machine. */
#ifndef SUMI_CLI_BENCH_BENCH_H
#define SUMI_CLI_BENCH_BENCH_H

#include <jansson.h>

#include "cli/options/options.h"

typedef struct bench_args {
    common_options common;
    const char *model; /* NULL with hardware */
    int32_t *prompts, n_prompts, *batches, n_batches, *rows, n_rows;
    int64_t gen, prefill_len, reps;
    bool json, hardware, no_limits;
} bench_args;

#define BENCH_MAX_REPS  1000
#define BENCH_MAX_BATCH 4096

/* Measure and print; return an exit code after a failure was reported. */
int bench_model(bench_args *a);
int bench_hardware(const bench_args *a);

/* The limits that a model's figures are compared with, for kernels of a level; 0: not known. */
typedef struct bench_limits {
    double read_gbs;            /* DRAM, 1e9 bytes/s */
    double int8_gops, f32_gops; /* 1e9 operations/s; bf16 counts as float32 */
} bench_limits;

/* Takes about half a second. */
SUMI_MUST_USE sumi_status bench_measure_limits(bench_limits *out, const char *isa, int32_t n_threads, sumi_error *err);

#endif
