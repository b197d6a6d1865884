/* bench_hardware.c - sumi bench --hardware: what this machine can do at most (room bench).
 *
 * Each figure is taken twice, with one thread and with all: memory is shared, and so may be clock and power. */
#include <stdio.h>

#include "base/error.h"
#include "base/os/cpu.h"
#include "bench/limits.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "cli/terminal/progress.h"

#define RATE_MS 100 /* for each figure */
#define READ_MS 150

typedef struct hardware {
    pool *one, *all;
    json_t *reads, *rates;
    progress bar;
    int64_t done;
    sumi_error *err;
} hardware;

static void show(hardware *h, const char *what)
{
    progress_show(&h->bar, ++h->done, what);
}

static sumi_status measure_reads(hardware *h)
{
    for (limit_memory m = 0; m < LIMIT_N_MEMORIES; m++) {
        limit_regions r;
        sumi_status status = limits_regions_init(&r, h->all, m, h->err);
        if (status != SUMI_OK) return status;
        double one = limits_read(h->one, &r, READ_MS);
        double all = limits_read(h->all, &r, READ_MS);
        json_array_append_new(h->reads,
                              json_pack("{s:s, s:I, s:f, s:f}", "memory", limits_memory_name(m), "bytes_per_thread",
                                        (json_int_t)r.bytes, "one_gb_per_s", one, "all_gb_per_s", all));
        limits_regions_deinit(&r);
        show(h, limits_memory_name(m));
    }
    return SUMI_OK;
}

static void measure_rates(hardware *h)
{
    const limit_loop *l;
    for (int32_t i = 0; (l = limits_loop(i)); i++) {
        double one = limits_rate(h->one, l, RATE_MS), all = limits_rate(h->all, l, RATE_MS);
        json_array_append_new(h->rates, json_pack("{s:s, s:s, s:s, s:f, s:f}", "level", l->level, "type", l->type,
                                                  "instruction", l->instruction, "one_gops", one, "all_gops", all));
        show(h, l->level);
    }
}

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

static const char *text(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static void print_tables(const json_t *all)
{
    size_t i;
    json_t *row;
    int n_threads = (int)number(all, "threads");
    printf("best kernels here: %s; a loop on %d threads starts and ends in %.2f us\n\n", text(all, "isa"), n_threads,
           number(all, "fork_join_us"));
    printf("  %-10s %-14s %12s %12s   GB/s\n", "reading", "KiB a thread", "one thread", "all threads");
    json_array_foreach(json_object_get(all, "read"), i, row)
        printf("  %-10s %-14.0f %12.1f %12.1f\n", text(row, "memory"), number(row, "bytes_per_thread") / 1024,
               number(row, "one_gb_per_s"), number(row, "all_gb_per_s"));
    printf("\n  %-10s %-5s %-23s %12s %12s   GOPS\n", "computing", "type", "instruction", "one thread", "all threads");
    json_array_foreach(json_object_get(all, "rates"), i, row)
        printf("  %-10s %-5s %-23s %12.0f %12.0f\n", text(row, "level"), text(row, "type"), text(row, "instruction"),
               number(row, "one_gops"), number(row, "all_gops"));
}

int bench_hardware(const bench_args *a)
{
    int32_t n_threads = a->common.context.n_threads ? a->common.context.n_threads : cpu_count(), n_loops = 0;
    sumi_error err;
    while (limits_loop(n_loops)) n_loops++;
    hardware h = { .reads = json_array(),
                   .rates = json_array(),
                   .err = &err,
                   .bar = progress_start("hardware", LIMIT_N_MEMORIES + n_loops + 1) };
    sumi_status status = pool_create(&h.one, 1, &err);
    if (status == SUMI_OK) status = pool_create(&h.all, n_threads, &err);
    if (status == SUMI_OK && a->common.context.pin) status = pool_pin(h.all, &err);
    if (status == SUMI_OK) status = measure_reads(&h);
    double fork_join_us = 0;
    if (status == SUMI_OK) {
        measure_rates(&h);
        fork_join_us = limits_fork_join(h.all);
        show(&h, "threads");
    }
    progress_end(&h.bar);
    pool_destroy(h.one);
    pool_destroy(h.all);
    json_t *all = json_pack("{s:i, s:s, s:f, s:o, s:o}", "threads", n_threads, "isa", cpu_level_name(cpu_best_level()),
                            "fork_join_us", fork_join_us, "read", h.reads, "rates", h.rates);
    if (status == SUMI_OK && !all) status = sumi_fail(&err, SUMI_ENOMEM, "out of memory for the result");
    if (status == SUMI_OK && !a->json) print_tables(all);
    if (status == SUMI_OK && a->json)
        status = cli_write_json(json_incref(all), JSON_INDENT(2) | JSON_REAL_PRECISION(6), &err);
    json_decref(all);
    return status == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}

sumi_status bench_measure_limits(bench_limits *out, const char *isa, int32_t n_threads, sumi_error *err)
{
    pool *p = NULL;
    limit_regions r;
    *out = (bench_limits){ 0 };
    sumi_status status = pool_create(&p, n_threads, err);
    if (status != SUMI_OK) return status;
    const limit_loop *int8 = limits_find(isa, "int8"), *f32 = limits_find(isa, "f32");
    if (int8) out->int8_gops = limits_rate(p, int8, RATE_MS / 2);
    if (f32) out->f32_gops = limits_rate(p, f32, RATE_MS / 2);
    status = limits_regions_init(&r, p, LIMIT_DRAM, err);
    if (status == SUMI_OK) {
        out->read_gbs = limits_read(p, &r, READ_MS);
        limits_regions_deinit(&r);
    }
    pool_destroy(p);
    return status;
}
