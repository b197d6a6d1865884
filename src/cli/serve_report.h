/* serve_report.h - the results of a load: latencies, throughput, memory; as text or as one JSON object. */
#ifndef SUMI_CLI_SERVE_REPORT_H
#define SUMI_CLI_SERVE_REPORT_H

#include <jansson.h>

#include "cli/load.h"

enum { MAX_SAMPLES = 4096 };

/* Samples of the engine's state at regular times. When the list is full, every second sample is dropped and the interval
 * doubles. */
typedef struct serve_samples {
    double interval_ms, last_ms;
    int32_t n;
    struct {
        float n_seqs, n_waiting, kv_used, kv_waste;
    } at[MAX_SAMPLES];
} serve_samples;

void serve_sample(serve_samples *s, double now_ms, const sumi_engine_stats *stats);

typedef struct serve_result {
    const char *model, *isa;
    const load *load;
    const serve_samples *samples;
    sumi_engine_stats stats; /* of the load only: counted since the start, minus the warm-up */
    double start_ms, end_ms;
    double rate; /* 0: closed loop */
    int32_t concurrency;
    const sumi_engine_opts *opts;
} serve_result;

json_t *serve_report_json(const serve_result *r); /* NULL: out of memory */
void serve_report_print(const serve_result *r);

#endif
