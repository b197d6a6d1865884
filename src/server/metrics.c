/* metrics.c - see metrics.h. */
#include "server/metrics.h"

#include <string.h>

typedef unsigned long long ull;

/* Seconds. Those of vLLM, so that queries with fixed bounds work. */
static const double first_token_bounds[] = { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5,
                                             0.75,  1,     2.5,  5,    7.5,  10,   20,   40,  80 };
static const double token_bounds[] = { 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                                       0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80 };
static const double request_bounds[] = { 0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10, 15,
                                         20,  30,  40,  50, 60,  120, 240, 480, 960 };

/* The statuses that the server answers with; anything else is counted in the last place. */
static const int statuses[METRICS_MAX_STATUS - 1] = { 200, 204, 400, 401, 403, 404, 405, 408, 411,
                                                      413, 415, 429, 431, 499, 500, 501, 503, 504 };

#define BOUNDS(b)                                                                                            \
    {                                                                                                        \
        .bounds = b, .n_bounds = sizeof b / sizeof *b                                                        \
    }

void metrics_init(metrics *m)
{
    *m = (metrics){ .queue = BOUNDS(request_bounds),
                    .first_token = BOUNDS(first_token_bounds),
                    .between_tokens = BOUNDS(token_bounds),
                    .end_to_end = BOUNDS(request_bounds),
                    .prefill = BOUNDS(request_bounds),
                    .decode = BOUNDS(request_bounds) };
}

static void count(_Atomic uint64_t *n, uint64_t by)
{
    atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

static ull value(const _Atomic uint64_t *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

void metrics_end(metrics *m, sumi_finish finish, const sumi_usage *usage, double time_ms)
{
    count(&m->finished[finish], 1);
    count(&m->n_prompt, (uint64_t)usage->n_prompt);
    count(&m->n_generated, (uint64_t)usage->n_generated);
    histogram_add(&m->queue, usage->queue_ms);
    histogram_add(&m->end_to_end, time_ms);
    if (usage->n_generated == 0) return;
    histogram_add(&m->prefill, usage->prefill_ms);
    histogram_add(&m->decode, usage->decode_ms);
}

void metrics_http(metrics *m, int path, int status)
{
    int i = 0;
    while (i < METRICS_MAX_STATUS - 1 && statuses[i] != status) i++;
    count(&m->http[path][i], 1);
}

static void put(buf *out, const char *name, const char *type, const char *help, const char *labels, double v)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s{%s} %.15g\n", name, help, name, type, name, labels, v);
}

static void put_engine(const sumi_engine_stats *s, const char *l, buf *out)
{
    double used = s->kv_blocks ? (double)s->kv_used / s->kv_blocks : 0;
    put(out, "vllm:num_requests_running", "gauge", "Requests that are computed.", l, s->n_running);
    put(out, "vllm:num_requests_waiting", "gauge", "Requests that wait.", l, s->n_waiting + s->n_swapped);
    put(out, "vllm:kv_cache_usage_perc", "gauge", "Share of the key/value blocks in use; 1 is all.", l, used);
    put(out, "vllm:prefix_cache_queries_total", "counter",
        "Tokens of prompts that were looked up in the cache.", l,
        (double)(s->n_prompt_tokens + s->n_hit_tokens));
    put(out, "vllm:prefix_cache_hits_total", "counter", "Tokens of prompts that were found in the cache.", l,
        (double)s->n_hit_tokens);
    put(out, "vllm:num_preemptions_total", "counter", "Times that a request had to make room for others.", l,
        (double)(s->n_swapped_out + s->n_recomputed));
    put(out, "sumi_running_sequences", "gauge", "Answers that are computed at once.", l, s->n_seqs);
    put(out, "sumi_steps_total", "counter", "Steps of the engine.", l, (double)s->n_steps);
    put(out, "sumi_step_sequences_total", "counter", "Sequences of all steps; by steps: the mean batch.", l,
        (double)s->n_step_seqs);
    put(out, "sumi_kv_blocks_cached", "gauge", "Free blocks that hold known prefixes.", l, s->kv_cached);
    put(out, "sumi_kv_bytes", "gauge", "Size of the key/value pool.", l, (double)s->kv_bytes);
    put(out, "sumi_refused_total", "counter", "Requests that found the queue full.", l, (double)s->n_refused);
}

const char *metrics_finish_name(sumi_finish finish)
{
    static const char *const names[] = { "stop", "length", "abort", "timeout", "refused", "error" };
    return names[finish];
}

static void put_finished(const metrics *m, const char *labels, buf *out)
{
    buf_append_str(out, "# HELP vllm:request_success_total Requests that have ended, by how.\n"
                        "# TYPE vllm:request_success_total counter\n");
    for (int i = 0; i <= SUMI_FINISH_ERROR; i++)
        buf_printf(out, "vllm:request_success_total{finished_reason=\"%s\",%s} %llu\n",
                   metrics_finish_name((sumi_finish)i), labels, value(&m->finished[i]));
}

static void put_http(const metrics *m, const char *const *paths, int n_paths, buf *out)
{
    buf_append_str(out, "# HELP http_requests_total Answers by path and status.\n"
                        "# TYPE http_requests_total counter\n");
    for (int p = 0; p < n_paths; p++)
        for (int i = 0; i < METRICS_MAX_STATUS; i++) {
            ull n = value(&m->http[p][i]);
            if (!n) continue;
            if (i < METRICS_MAX_STATUS - 1)
                buf_printf(out, "http_requests_total{path=\"%s\",status=\"%d\"} %llu\n", paths[p],
                           statuses[i], n);
            else buf_printf(out, "http_requests_total{path=\"%s\",status=\"other\"} %llu\n", paths[p], n);
        }
}

/* model_name="..." with what Prometheus escapes in labels. */
static void put_label(const char *model_name, buf *out)
{
    buf_append_str(out, "model_name=\"");
    for (const char *c = model_name; *c; c++) {
        if (*c == '"' || *c == '\\') buf_append_char(out, '\\');
        buf_append_char(out, (unsigned char)*c < 0x20 ? '?' : *c);
    }
    buf_append_char(out, '"');
}

void metrics_put(const metrics *m, const sumi_engine_stats *stats, const char *model_name,
                 const char *const *paths, int n_paths, buf *out)
{
    buf label;
    buf_init(&label, 4096);
    put_label(model_name, &label);
    const char *l = label.status == SUMI_OK ? label.data : "model_name=\"\"";
    put_engine(stats, l, out);
    put(out, "vllm:prompt_tokens_total", "counter", "Tokens of prompts.", l, (double)value(&m->n_prompt));
    put(out, "vllm:generation_tokens_total", "counter", "Tokens of answers.", l,
        (double)value(&m->n_generated));
    put(out, "sumi_rate_limited_total", "counter", "Requests refused by a limit of their key.", l,
        (double)value(&m->n_rate_limited));
    put_finished(m, l, out);
    histogram_put(&m->first_token, "vllm:time_to_first_token_seconds", "From submission to the first token.",
                  l, out);
    histogram_put(&m->between_tokens, "vllm:inter_token_latency_seconds", "Between two tokens of an answer.",
                  l, out);
    histogram_put(&m->end_to_end, "vllm:e2e_request_latency_seconds", "From submission to the end.", l, out);
    histogram_put(&m->queue, "vllm:request_queue_time_seconds", "From submission to admission.", l, out);
    histogram_put(&m->prefill, "vllm:request_prefill_time_seconds", "From admission to the first token.", l,
                  out);
    histogram_put(&m->decode, "vllm:request_decode_time_seconds", "From the first token to the end.", l, out);
    put_http(m, paths, n_paths, out);
    buf_deinit(&label);
}
