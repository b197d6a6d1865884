/* print_serve_report.c - see print_serve_report.h. */
#include "cli/bench/print_serve_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHART_HEIGHT = 6 };

/* A picture of a value over time: columns of eighths of a character. */
static void chart(const char *title, const serve_samples *s, size_t offset, double top, const char *unit)
{
    static const char *const eighths[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    int32_t width = s->n < SERVE_PARTS ? s->n : SERVE_PARTS;
    if (width == 0 || top <= 0) return;
    printf("\n  %s\n", title);
    for (int32_t y = CHART_HEIGHT - 1; y >= 0; y--) {
        if (y == CHART_HEIGHT - 1) printf("  %5.4g%s ", top, unit);
        else if (y == 0) printf("  %5d%s ", 0, unit);
        else printf("  %5s%*s ", "", (int)strlen(unit), "");
        for (int32_t x = 0; x < width; x++) {
            int32_t begin = (int32_t)((int64_t)x * s->n / width), end = (int32_t)((int64_t)(x + 1) * s->n / width);
            double sum = 0;
            for (int32_t i = begin; i < end; i++) sum += (double)*(const float *)((const char *)&s->at[i] + offset);
            int level = (int)lround(sum / (end - begin) / top * CHART_HEIGHT * 8) - 8 * y;
            fputs(eighths[level < 0 ? 0 : level > 8 ? 8 : level], stdout);
        }
        putchar('\n');
    }
}

static void print_summary(const char *name, const serve_summary *s)
{
    printf("  %-22s %10.1f %10.1f %10.1f %10.1f %10.1f\n", name, s->mean, s->p50, s->p90, s->p99, s->max);
}

bool print_serve_report(const serve_result *r)
{
    serve_figures f;
    const sumi_engine_stats *s = &r->stats;
    if (!serve_figures_of(r, &f)) return false;
    printf("%s: %d threads, %s, %d requests, ", r->model, s->n_threads, r->isa, r->load->n);
    if (r->rate > 0) printf("%g arrive in a second\n", r->rate);
    else printf("%d at once\n", r->concurrency);
    printf("\n  %-22s %10.1f tokens/s\n  %-22s %10.1f tokens/s\n", "output", (double)f.n_output / f.seconds, "total",
           (double)(f.n_output + f.n_prompt) / f.seconds);
    printf("\n  %-22s %10s %10s %10s %10s %10s\n", "milliseconds", "mean", "P50", "P90", "P99", "max");
    print_summary("to the first token", &f.ttft);
    print_summary("between tokens", &f.tbt);
    print_summary("whole request", &f.e2e);
    printf("\n  %-22s %10.1f s, %lld completed, %lld failed\n", "time", f.seconds, (long long)f.n_completed,
           (long long)f.n_failed);
    printf("  %-22s %10.1f in a step, %llu steps\n", "batch", f.mean_batch, (unsigned long long)s->n_steps);
    printf("  %-22s %9.1f %% at most, %.1f %% of it waste, %llu preemptions\n", "key/value memory",
           100.0 * s->kv_peak / s->kv_blocks, 100 * f.mean_waste,
           (unsigned long long)(s->n_swapped_out + s->n_recomputed));
    printf("  %-22s %10llu of %lld tokens\n", "prompts from the cache", (unsigned long long)s->n_hit_tokens,
           (long long)f.n_prompt);
    chart("sequences in a step, over time", r->samples, offsetof(__typeof__(r->samples->at[0]), n_seqs), s->max_seqs,
          "");
    chart("key/value memory in use", r->samples, offsetof(__typeof__(r->samples->at[0]), kv_used), 1, "");
    return true;
}
