/* metrics_page.c - GET /metrics: everything that is counted, in Prometheus' text format; see metrics.h.
 *
 * A number that has been renamed by vLLM is here under both names, as dashboards of both ages are in use. */
#include <string.h>
#include <time.h>

#include "base/printable.h"
#include "server/ops/metrics.h"
#include "server/ops/process_stats.h"

typedef unsigned long long ull;

static ull value(const _Atomic uint64_t *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

typedef struct sample {
    const char *name, *type, *help;
    double value;
} sample;

/* labels: "" or "a=\"b\"" */
static void put_all(const sample *list, size_t n, const char *labels, buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const sample *s = &list[i];
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s", s->name, s->help, s->name, s->type, s->name);
        if (*labels) buf_printf(out, "{%s}", labels);
        buf_printf(out, " %.15g\n", s->value);
    }
}
#define PUT(list, labels, out) put_all(list, sizeof list / sizeof *list, labels, out)

/* ---- The engine ---- */

static void put_requests(const metrics *m, const sumi_engine_stats *s, const char *l, buf *out)
{
    const sample list[] = {
        { "vllm:num_requests_running", "gauge", "Running requests.", s->n_running },
        { "vllm:num_requests_waiting", "gauge", "Waiting requests, including swapped ones.",
          s->n_waiting + s->n_swapped },
        { "vllm:num_requests_swapped", "gauge", "Requests whose keys and values are in the swap file.", s->n_swapped },
        { "vllm:num_preemptions_total", "counter", "Preemptions of requests.",
          (double)(s->n_swapped_out + s->n_recomputed) },
        { "vllm:prompt_tokens_total", "counter", "Tokens of the prompts of requests that have ended.",
          (double)value(&m->n_prompt) },
        { "vllm:generation_tokens_total", "counter", "Tokens of answers.", (double)s->n_generated },
        { "vllm:spec_decode_num_draft_tokens_total", "counter", "Guessed tokens that steps have checked.",
          (double)s->n_drafted },
        { "vllm:spec_decode_num_accepted_tokens_total", "counter", "Of these, tokens of answers.",
          (double)s->n_accepted },
        { "sumi_refused_total", "counter", "Requests refused because the queue was full.",
          (double)value(&m->n_queue_full) },
        { "sumi_rate_limited_total", "counter", "Requests refused by a limit of their key.",
          (double)value(&m->n_rate_limited) },
        { "sumi_max_sequences", "gauge", "Answers that can be computed at once.", s->max_seqs },
        { "sumi_running_sequences", "gauge", "Answers that are being computed.", s->n_seqs },
    };
    PUT(list, l, out);
}

static void put_cache(const sumi_engine_stats *s, const char *l, buf *out)
{
    double used = s->kv_blocks ? (double)s->kv_used / s->kv_blocks : 0;
    const sample list[] = {
        { "vllm:kv_cache_usage_perc", "gauge", "Share of the key/value blocks in use; 1 is all.", used },
        { "vllm:gpu_cache_usage_perc", "gauge", "The same, under its older name.", used },
        { "vllm:prefix_cache_queries_total", "counter", "Tokens of prompts that were looked up in the cache.",
          (double)(s->n_prompt_tokens + s->n_hit_tokens) },
        { "vllm:prefix_cache_hits_total", "counter", "Tokens of prompts that were found in the cache.",
          (double)s->n_hit_tokens },
        { "sumi_kv_bytes", "gauge", "Size of the key/value pool.", (double)s->kv_bytes },
        { "sumi_kv_blocks", "gauge", "Its blocks.", s->kv_blocks },
        { "sumi_kv_blocks_used", "gauge", "Blocks that sequences use.", s->kv_used },
        { "sumi_kv_blocks_shared", "gauge", "Blocks that more than one sequence uses.", s->kv_shared },
        { "sumi_kv_blocks_cached", "gauge", "Cached blocks: they hold prefixes and can be evicted.", s->kv_cached },
        { "sumi_kv_evictions_total", "counter", "Evicted blocks of cached prefixes.", (double)s->kv_evicted },
    };
    PUT(list, l, out);
}

static void put_steps(const sumi_engine_stats *s, const char *l, buf *out)
{
    double bounds[SUMI_STEP_SIZES - 1];
    const sample list[] = {
        { "sumi_steps_total", "counter", "Steps of the engine.", (double)s->n_steps },
        { "sumi_step_seconds_total", "counter",
          "Seconds spent in steps; the rate is the share of time in which the engine computes.", s->step_ms * 1e-3 },
        { "sumi_progress_total", "counter", "Rounds of the engine's loop; constant while the engine hangs.",
          (double)s->progress },
    };
    PUT(list, l, out);
    for (int i = 0; i < SUMI_STEP_SIZES - 1; i++) bounds[i] = 1 << i;
    histogram_put_counts(bounds, SUMI_STEP_SIZES - 1, s->steps_by_seqs, (double)s->n_step_seqs, "sumi_step_sequences",
                         "Sequences of a step: the batch size.", l, out);
    histogram_put_counts(bounds, SUMI_STEP_SIZES - 1, s->steps_by_tokens,
                         (double)(s->n_prompt_tokens + s->n_decode_tokens), "vllm:iteration_tokens_total",
                         "Tokens of a step, of prompts and answers.", l, out);
}

static void put_times(const metrics *m, const char *l, buf *out)
{
    const struct {
        const histogram *h;
        const char *name, *help;
    } list[] = {
        { &m->first_token, "vllm:time_to_first_token_seconds", "From submission to the first token." },
        { &m->between_tokens, "vllm:inter_token_latency_seconds", "Between two tokens of an answer." },
        { &m->between_tokens, "vllm:time_per_output_token_seconds", "The same, under its older name." },
        { &m->end_to_end, "vllm:e2e_request_latency_seconds", "From submission to the end." },
        { &m->queue, "vllm:request_queue_time_seconds", "From submission to admission." },
        { &m->prefill, "vllm:request_prefill_time_seconds", "From admission to the first token." },
        { &m->decode, "vllm:request_decode_time_seconds", "From the first token to the end." },
        { &m->inference, "vllm:request_inference_time_seconds", "From admission to the end." },
        { &m->prompt_tokens, "vllm:request_prompt_tokens", "Tokens of a request's prompt." },
        { &m->answer_tokens, "vllm:request_generation_tokens", "Tokens of a request's answers." },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        histogram_put(list[i].h, list[i].name, list[i].help, l, out);
}

static void put_finished(const metrics *m, const char *labels, buf *out)
{
    buf_append_str(out, "# HELP vllm:request_success_total Requests that have ended, by how.\n"
                        "# TYPE vllm:request_success_total counter\n");
    for (int i = 0; i <= SUMI_FINISH_ERROR; i++)
        buf_printf(out, "vllm:request_success_total{finished_reason=\"%s\",%s} %llu\n",
                   metrics_finish_name((sumi_finish)i), labels, value(&m->finished[i]));
}

/* ---- The server ---- */

static void put_http(const metrics *m, const char *const *paths, int n_paths, buf *out)
{
    buf_append_str(out, "# HELP http_requests_total Answers by path and status.\n"
                        "# TYPE http_requests_total counter\n");
    for (int p = 0; p < n_paths; p++)
        for (int i = 0; i < METRICS_MAX_STATUS; i++) {
            ull n = value(&m->http[p][i]);
            if (!n) continue;
            buf_printf(out, "http_requests_total{path=\"%s\",status=\"", paths[p]);
            if (i < METRICS_MAX_STATUS - 1) buf_printf(out, "%d", metrics_statuses[i]);
            else buf_append_str(out, "other");
            buf_printf(out, "\"} %llu\n", n);
        }
}

static void put_server(const metrics_server *s, buf *out)
{
    const sample list[] = {
        { "sumi_ready", "gauge", "1 if /ready answers 200.", s->ready },
        { "sumi_uptime_seconds", "gauge", "Since the start.", (double)time(NULL) - (double)s->started_s },
        { "sumi_connections", "gauge", "Open connections.", s->connections.n_open },
        { "sumi_connections_accepted_total", "counter", "Connections.", (double)s->connections.n_accepted },
        { "sumi_connections_refused_total", "counter", "Connections refused because of a limit.",
          (double)s->connections.n_refused },
        { "sumi_connections_cut_total", "counter", "Connections closed because a request arrived too slowly.",
          (double)s->connections.n_cut },
        { "sumi_log_lines_lost_total", "counter", "Lines of the log that could not be written.",
          (double)s->n_lines_lost },
    };
    PUT(list, "", out);
}

static void put_process(int64_t started_s, buf *out)
{
    process_stats p;
    sumi_status st = process_stats_read(&p);
    if (st == SUMI_ENOMEM) out->status = st;
    if (st != SUMI_OK) return;
    const sample list[] = {
        { "process_resident_memory_bytes", "gauge", "Resident memory.", (double)p.resident_bytes },
        { "process_virtual_memory_bytes", "gauge", "Virtual memory.", (double)p.virtual_bytes },
        { "process_cpu_seconds_total", "counter", "Processor time, in user and system mode.", p.cpu_s },
        { "process_open_fds", "gauge", "Open files.", p.n_files },
        { "process_max_fds", "gauge", "Largest number of open files.", (double)p.max_files },
        { "process_start_time_seconds", "gauge", "Start, since 1970.", (double)started_s },
    };
    PUT(list, "", out);
}

/* name="value", with Prometheus' escapes of labels. A value is UTF-8. */
static void put_label(const char *name, const char *text, buf *out)
{
    char plain[1024];
    printable_copy(plain, sizeof plain, text, strlen(text));
    buf_printf(out, "%s=\"", name);
    for (const char *c = plain; *c; c++) {
        if (*c == '"' || *c == '\\') buf_append_char(out, '\\');
        buf_append_char(out, *c);
    }
    buf_append_char(out, '"');
}

static void put_info(const metrics_server *s, const char *labels, buf *out)
{
    buf_append_str(out, "# HELP sumi_build_info Version and kernels.\n# TYPE sumi_build_info gauge\n"
                        "sumi_build_info{");
    put_label("version", sumi_version(), out);
    buf_append_char(out, ',');
    put_label("isa", s->isa, out);
    buf_printf(out, ",%s} 1\n", labels);
}

void metrics_put(const metrics *m, const metrics_server *s, const char *const *paths, int n_paths, buf *out)
{
    buf label;
    buf_init(&label, 4096);
    put_label("model_name", s->model_name, &label);
    if (label.status == SUMI_ENOMEM) out->status = label.status;
    const char *l = label.status == SUMI_OK ? label.data : "model_name=\"\"";
    put_requests(m, &s->engine, l, out);
    put_cache(&s->engine, l, out);
    put_steps(&s->engine, l, out);
    put_finished(m, l, out);
    put_times(m, l, out);
    put_http(m, paths, n_paths, out);
    put_server(s, out);
    put_process(s->started_s, out);
    put_info(s, l, out);
    buf_deinit(&label);
}
