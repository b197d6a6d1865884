/* histogram.c - see histogram.h. */
#include "server/histogram.h"

void histogram_add(histogram *h, double ms)
{
    int i = 0;
    if (!(ms >= 0)) ms = 0;
    while (i < h->n_bounds && ms > h->bounds[i] * 1000) i++;
    atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, (uint64_t)(ms * 1000), memory_order_relaxed);
}

histogram_total histogram_sum(const histogram *h)
{
    histogram_total t = { 0 };
    for (int i = 0; i <= h->n_bounds; i++)
        t.count += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
    t.sum_ms = (double)atomic_load_explicit(&h->sum_us, memory_order_relaxed) * 1e-3;
    return t;
}

void histogram_put(const histogram *h, const char *name, const char *help, const char *labels, buf *out)
{
    uint64_t n = 0;
    buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
    for (int i = 0; i <= h->n_bounds; i++) {
        n += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        if (i < h->n_bounds)
            buf_printf(out, "%s_bucket{%s,le=\"%g\"} %llu\n", name, labels, h->bounds[i],
                       (unsigned long long)n);
        else buf_printf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n", name, labels, (unsigned long long)n);
    }
    buf_printf(out, "%s_sum{%s} %.6f\n", name, labels,
               (double)atomic_load_explicit(&h->sum_us, memory_order_relaxed) * 1e-6);
    buf_printf(out, "%s_count{%s} %llu\n", name, labels, (unsigned long long)n);
}
