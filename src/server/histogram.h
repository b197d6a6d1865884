/* histogram.h - how often a time fell into which range; written by one thread and read by any, without locks. */
#ifndef SUMI_SERVER_HISTOGRAM_H
#define SUMI_SERVER_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

enum { HISTOGRAM_MAX_BUCKETS = 20 };

typedef struct histogram {
    const double
        *bounds; /* [n_bounds] seconds, ascending: bucket i counts what is <= bounds[i] and in none before */
    int n_bounds;
    _Atomic uint64_t counts[HISTOGRAM_MAX_BUCKETS + 1]; /* the last: above all bounds */
    _Atomic uint64_t sum_us;
} histogram;

void histogram_add(histogram *h, double ms);

typedef struct histogram_total {
    uint64_t count;
    double sum_ms;
} histogram_total;
histogram_total histogram_sum(const histogram *h); /* of all ranges */

/* In Prometheus' text format: cumulative buckets, _sum, _count. labels: "a=\"b\"", not empty. */
void histogram_put(const histogram *h, const char *name, const char *help, const char *labels, buf *out);

#endif
