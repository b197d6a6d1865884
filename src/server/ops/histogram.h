/* histogram.h - counts of times or numbers by ranges; written by one thread and read by any, without locks. */
#ifndef SUMI_SERVER_OPS_HISTOGRAM_H
#define SUMI_SERVER_OPS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

enum { HISTOGRAM_MAX_BUCKETS = 20 };

typedef struct histogram {
    /* [n_bounds], ascending: bucket i counts values above bounds[i - 1] and up to bounds[i]. Seconds, or numbers */
    const double *bounds;
    int n_bounds;
    double unit;                                        /* of added values: 1e-3 for milliseconds, 1 for numbers */
    _Atomic uint64_t counts[HISTOGRAM_MAX_BUCKETS + 1]; /* the last: above all bounds */
    _Atomic uint64_t sum_thousandths;                   /* of what was added */
} histogram;

void histogram_add(histogram *h, double value);

typedef struct histogram_total {
    uint64_t count;
    double sum; /* of the added values: milliseconds, or numbers */
} histogram_total;
histogram_total histogram_sum(const histogram *h); /* of all ranges */

/* In Prometheus' text format: cumulative buckets, _sum, _count. labels: "a=\"b\"", not empty. */
void histogram_put(const histogram *h, const char *name, const char *help, const char *labels, buf *out);

/* The same for counts from another source: [n_bounds + 1], not cumulative. */
void histogram_put_counts(const double *bounds, int n_bounds, const uint64_t *counts, double sum, const char *name,
                          const char *help, const char *labels, buf *out);

#endif
