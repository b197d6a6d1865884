/* serve_report.c - see serve_report.h. */
#include "bench/serve_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void serve_sample(serve_samples *s, double now_ms, const sumi_engine_stats *stats)
{
    if (now_ms - s->last_ms < s->interval_ms) return;
    s->last_ms = now_ms;
    if (s->n == MAX_SAMPLES) {
        for (int32_t i = 0; i < MAX_SAMPLES / 2; i++) s->at[i] = s->at[2 * i];
        s->n /= 2;
        s->interval_ms *= 2;
    }
    float used = stats->kv_blocks ? (float)stats->kv_used / (float)stats->kv_blocks : 0;
    s->at[s->n].n_seqs = (float)stats->n_seqs;
    s->at[s->n].n_waiting = (float)stats->n_waiting;
    s->at[s->n].kv_used = used;
    s->at[s->n++].kv_waste = (float)stats->kv_waste;
}

/* ---- Figures ---- */

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* The p-quantile of the n sorted values, with linear interpolation. */
static double percentile(const double *v, int64_t n, double p)
{
    double at = p * (double)(n - 1), whole = floor(at);
    int64_t i = (int64_t)whole;
    return i + 1 < n ? v[i] + (at - whole) * (v[i + 1] - v[i]) : v[n - 1];
}

static serve_summary summarize(double *v, int64_t n)
{
    serve_summary s = { .n = n };
    if (n == 0) return s;
    qsort(v, (size_t)n, sizeof *v, by_value);
    for (int64_t i = 0; i < n; i++) s.mean += v[i] / (double)n;
    s.p50 = percentile(v, n, 0.5);
    s.p90 = percentile(v, n, 0.9);
    s.p99 = percentile(v, n, 0.99);
    s.max = v[n - 1];
    return s;
}

static bool completed(const load_request *q)
{
    return q->over && (q->finish == SUMI_FINISH_STOP || q->finish == SUMI_FINISH_LENGTH);
}

static void count_samples(serve_figures *f, const serve_samples *s)
{
    double blocks = 0, lost = 0;
    for (int32_t i = 0; i < s->n; i++) {
        double n = (double)s->at[i].n_seqs;
        if (n > f->max_batch) f->max_batch = n;
        blocks += (double)s->at[i].kv_used;
        lost += (double)s->at[i].kv_waste * (double)s->at[i].kv_used;
    }
    f->mean_use = s->n ? blocks / s->n : 0;
    f->mean_waste = blocks > 0 ? lost / blocks : 0;
}

bool serve_figures_of(const serve_result *r, serve_figures *f)
{
    int64_t n_gaps = 0, n = 0;
    double ms = r->end_ms - r->start_ms; /* below 0: no request has ended */
    *f = (serve_figures){ .seconds = (ms > 0.001 ? ms : 0.001) / 1000, .hash = 14695981039346656037u };
    for (int32_t i = 0; i < r->load->n; i++) n_gaps += r->load->requests[i].n_tokens;
    double *first = calloc((size_t)r->load->n, sizeof *first), *whole = calloc((size_t)r->load->n, sizeof *whole);
    double *gaps = calloc((size_t)n_gaps + 1, sizeof *gaps);
    n_gaps = 0;
    for (int32_t i = 0; first && whole && gaps && i < r->load->n; i++) {
        const load_request *q = &r->load->requests[i];
        f->hash = (f->hash ^ q->hash) * 1099511628211u; /* FNV-1a, in the order of the requests */
        f->n_output += q->n_tokens;
        f->n_failed += !completed(q);
        if (!completed(q) || q->n_tokens == 0) continue;
        f->n_prompt += q->n_prompt;
        first[n] = q->token_ms[0] - q->submitted_ms;
        whole[n++] = q->end_ms - q->submitted_ms;
        for (int32_t k = 1; k < q->n_tokens; k++) gaps[n_gaps++] = q->token_ms[k] - q->token_ms[k - 1];
    }
    bool ok = first && whole && gaps;
    if (ok) {
        f->n_completed = n;
        f->ttft = summarize(first, n);
        f->e2e = summarize(whole, n);
        f->tbt = summarize(gaps, n_gaps);
    }
    f->mean_batch = r->stats.n_steps ? (double)r->stats.n_step_seqs / (double)r->stats.n_steps : 0;
    count_samples(f, r->samples);
    free(first);
    free(whole);
    free(gaps);
    return ok;
}

/* ---- JSON ---- */

static json_t *summary_json(const serve_summary *s)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "mean", s->mean, "p50", s->p50, "p90", s->p90, "p99", s->p99, "max",
                     s->max);
}

/* Means of SERVE_PARTS parts of the time. */
static json_t *over_time_json(const serve_samples *s)
{
    json_t *list = json_array();
    int32_t width = s->n < SERVE_PARTS ? s->n : SERVE_PARTS;
    for (int32_t x = 0; x < width; x++) {
        int32_t begin = (int32_t)((int64_t)x * s->n / width), end = (int32_t)((int64_t)(x + 1) * s->n / width);
        double sum = 0;
        for (int32_t i = begin; i < end; i++) sum += (double)s->at[i].n_seqs;
        json_array_append_new(list, json_real(sum / (end - begin)));
    }
    return list;
}

static json_t *kv_json(const serve_result *r, const serve_figures *f)
{
    const sumi_engine_stats *s = &r->stats;
    double blocks = s->kv_blocks;
    json_t *kv = json_pack("{s:f, s:f, s:f, s:i, s:i, s:I, s:I}", "waste", f->mean_waste, "peak_use",
                           s->kv_peak / blocks, "mean_use", f->mean_use, "blocks", s->kv_blocks, "block_tokens",
                           s->kv_block, "bytes", (json_int_t)s->kv_bytes, "evicted", (json_int_t)s->kv_evicted);
    json_object_set_new(kv, "use_at_first_preemption",
                        s->kv_used_full ? json_real(s->kv_used_full / blocks) : json_null());
    return kv;
}

json_t *serve_report_json(const serve_result *r)
{
    serve_figures f;
    char hash[17];
    const sumi_engine_stats *s = &r->stats;
    if (!serve_figures_of(r, &f)) return NULL;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)f.hash);
    json_t *all = json_pack("{s:s, s:s, s:i, s:i, s:i, s:f, s:i, s:b, s:b, s:b, s:f}", "model", r->model, "isa", r->isa,
                            "threads", s->n_threads, "requests", r->load->n, "max_seqs", s->max_seqs, "rate", r->rate,
                            "concurrency", r->concurrency, "static_batching", r->opts->static_batching, "prefix_cache",
                            r->opts->prefix_cache, "chunking", r->opts->chunking, "duration_s", f.seconds);
    json_t *rest = json_pack("{s:f, s:f, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
                             "output_tokens_per_s", (double)f.n_output / f.seconds, "total_tokens_per_s",
                             (double)(f.n_output + f.n_prompt) / f.seconds, "ttft_ms", summary_json(&f.ttft), "tbt_ms",
                             summary_json(&f.tbt), "e2e_ms", summary_json(&f.e2e), "kv", kv_json(r, &f),
                             "prefix_hit_tokens", (json_int_t)s->n_hit_tokens, "prompt_tokens", (json_int_t)f.n_prompt,
                             "prompt_tokens_computed", (json_int_t)s->n_prompt_tokens, "output_tokens",
                             (json_int_t)f.n_output, "preemptions", (json_int_t)(s->n_swapped_out + s->n_recomputed),
                             "swapped_out", (json_int_t)s->n_swapped_out, "steps", (json_int_t)s->n_steps, "completed",
                             (json_int_t)f.n_completed, "failed", (json_int_t)f.n_failed, "answers_hash", hash);
    json_object_update(all, rest);
    json_decref(rest);
    json_object_set_new(all, "batch",
                        json_pack("{s:f, s:f, s:o}", "mean", f.mean_batch, "max", f.max_batch, "over_time",
                                  over_time_json(r->samples)));
    return all;
}
