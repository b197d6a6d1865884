/* histogram.c - see histogram.h. */
#include "server/ops/histogram.h"

void histogram_add(histogram *h, double value)
{
    int i = 0;
    if (!(value >= 0)) value = 0;
    while (i < h->n_bounds && value * h->unit > h->bounds[i]) i++;
    atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_thousandths, (uint64_t)(value * 1000), memory_order_relaxed);
}

histogram_total histogram_sum(const histogram *h)
{
    histogram_total t = { 0 };
    for (int i = 0; i <= h->n_bounds; i++) t.count += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
    t.sum = (double)atomic_load_explicit(&h->sum_thousandths, memory_order_relaxed) * 1e-3;
    return t;
}

void histogram_put(const histogram *h, const char *name, const char *help, const char *labels, buf *out)
{
    uint64_t counts[HISTOGRAM_MAX_BUCKETS + 1];
    for (int i = 0; i <= h->n_bounds; i++) counts[i] = atomic_load_explicit(&h->counts[i], memory_order_relaxed);
    histogram_put_counts(h->bounds, h->n_bounds, counts, histogram_sum(h).sum * h->unit, name, help, labels, out);
}

void histogram_put_counts(const double *bounds, int n_bounds, const uint64_t *counts, double sum, const char *name,
                          const char *help, const char *labels, buf *out)
{
    uint64_t n = 0;
    buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
    for (int i = 0; i <= n_bounds; i++) {
        n += counts[i];
        buf_printf(out, "%s_bucket{%s,le=\"", name, labels);
        if (i < n_bounds) buf_printf(out, "%g", bounds[i]);
        else buf_append_str(out, "+Inf");
        buf_printf(out, "\"} %llu\n", (unsigned long long)n);
    }
    buf_printf(out, "%s_sum{%s} %.6f\n", name, labels, sum);
    buf_printf(out, "%s_count{%s} %llu\n", name, labels, (unsigned long long)n);
}
