/* stats.c - GET /stats: a few numbers as JSON, small enough for a request every second.
 *
 * Counters grow from the start of the server. A client computes rates from two answers: the difference of a counter divided
 * by the difference of time_ms, the server's clock. Sums of times come with their counts for the same reason. */
#include <inttypes.h>
#include <time.h>

#include "base/os/clock.h"
#include "server/api/json_text.h"
#include "server/http/endpoints.h"

static void put_engine(const sumi_engine_stats *s, buf *out)
{
    buf_printf(out,
               "\"requests\":{\"running\":%d,\"waiting\":%d,\"swapped\":%d,\"completed\":%" PRIu64
               ",\"cancelled\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"expired\":%" PRIu64 ",\"failed\":%" PRIu64 "},",
               s->n_running, s->n_waiting, s->n_swapped, s->n_completed, s->n_cancelled, s->n_refused, s->n_expired,
               s->n_failed);
    buf_printf(out, "\"sequences\":{\"running\":%d,\"max\":%d},", s->n_seqs, s->max_seqs);
    buf_printf(out, "\"steps\":{\"count\":%" PRIu64 ",\"sequences\":%" PRIu64 "},", s->n_steps, s->n_step_seqs);
    buf_printf(out,
               "\"tokens\":{\"prompt\":%" PRIu64 ",\"cached\":%" PRIu64 ",\"generated\":%" PRIu64 ",\"context\":%d},",
               s->n_prompt_tokens, s->n_hit_tokens, s->n_generated, s->n_ctx);
    buf_printf(out,
               "\"kv\":{\"blocks\":%d,\"used\":%d,\"shared\":%d,\"cached\":%d,\"peak\":%d,"
               "\"block_tokens\":%d,\"bytes\":%zu,\"evicted\":%" PRIu64 ",\"preempted\":%" PRIu64 "},",
               s->kv_blocks, s->kv_used, s->kv_shared, s->kv_cached, s->kv_peak, s->kv_block, s->kv_bytes,
               s->kv_evicted, s->n_swapped_out + s->n_recomputed);
}

static void put_times(const char *name, const histogram *h, buf *out)
{
    histogram_total t = histogram_sum(h);
    buf_printf(out, "\"%s\":{\"count\":%" PRIu64 ",\"sum_ms\":%.3f}", name, t.count, t.sum);
}

enum MHD_Result get_stats(exchange *x)
{
    static const char *const states[] = { "loading", "ready", "shutting_down" };
    server *s = x->server;
    sumi_engine_stats stats = { 0 };
    int state = atomic_load(&s->state);
    buf out;
    buf_init(&out, 8192);
    if (state != SERVER_LOADING) sumi_engine_get_stats(s->engine, &stats);
    buf_printf(&out, "{\"state\":\"%s\",\"version\":\"%s\",\"model\":", states[state], sumi_version());
    json_put_string(&out, s->opts.model_name);
    buf_printf(&out, ",\"time_ms\":%.1f,\"uptime_s\":%" PRId64 ",\"threads\":%d,", clock_ms(),
               (int64_t)time(NULL) - s->started_s, stats.n_threads);
    put_engine(&stats, &out);
    put_times("first_token", &s->metrics.first_token, &out);
    buf_append_char(&out, ',');
    put_times("between_tokens", &s->metrics.between_tokens, &out);
    buf_append_char(&out, '}');
    return http_reply_buf(x, 200, "application/json", &out);
}
