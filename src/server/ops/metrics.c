/* metrics.c - see metrics.h. */
#include "server/ops/metrics.h"

#include <string.h>

/* Seconds. Those of vLLM, so that queries with fixed bounds work. */
static const double first_token_bounds[] = { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5,
                                             0.75,  1,     2.5,  5,    7.5,  10,   20,   40,  80 };
static const double token_bounds[] = { 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                                       0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80 };
static const double request_bounds[] = { 0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10, 15,
                                         20,  30,  40,  50, 60,  120, 240, 480, 960 };

/* The statuses that the server answers with; anything else is counted in the last place. */
const int metrics_statuses[METRICS_MAX_STATUS - 1] = { 200, 204, 400, 401, 403, 404, 405, 408, 411, 413,
                                                       414, 415, 429, 431, 499, 500, 501, 503, 504, 505 };

static const double token_number_bounds[] = { 1,   2,    5,    10,   20,    50,    100,   200,
                                              500, 1000, 2000, 5000, 10000, 20000, 50000, 100000 };

#define TIMES(b)                                                    \
    {                                                               \
        .bounds = b, .n_bounds = sizeof b / sizeof *b, .unit = 1e-3 \
    }
#define NUMBERS(b)                                               \
    {                                                            \
        .bounds = b, .n_bounds = sizeof b / sizeof *b, .unit = 1 \
    }

void metrics_init(metrics *m)
{
    *m = (metrics){ .queue = TIMES(request_bounds),
                    .first_token = TIMES(first_token_bounds),
                    .between_tokens = TIMES(token_bounds),
                    .end_to_end = TIMES(request_bounds),
                    .prefill = TIMES(request_bounds),
                    .decode = TIMES(request_bounds),
                    .inference = TIMES(request_bounds),
                    .prompt_tokens = NUMBERS(token_number_bounds),
                    .answer_tokens = NUMBERS(token_number_bounds) };
}

static void count(_Atomic uint64_t *n, uint64_t by)
{
    atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

const char *metrics_finish_name(sumi_finish finish)
{
    static const char *const names[] = { "stop", "length", "abort", "timeout", "refused", "error" };
    return names[finish];
}

void metrics_end(metrics *m, sumi_finish finish, const sumi_usage *usage, double time_ms)
{
    count(&m->finished[finish], 1);
    count(&m->n_prompt, (uint64_t)usage->n_prompt);
    count(&m->n_generated, (uint64_t)usage->n_generated);
    histogram_add(&m->queue, usage->queue_ms);
    histogram_add(&m->end_to_end, time_ms);
    histogram_add(&m->prompt_tokens, usage->n_prompt);
    histogram_add(&m->answer_tokens, usage->n_generated);
    if (usage->n_generated == 0) return;
    histogram_add(&m->inference, usage->prefill_ms + usage->decode_ms);
    histogram_add(&m->prefill, usage->prefill_ms);
    histogram_add(&m->decode, usage->decode_ms);
}

void metrics_http(metrics *m, int path, int status)
{
    int i = 0;
    while (i < METRICS_MAX_STATUS - 1 && metrics_statuses[i] != status) i++;
    count(&m->http[path][i], 1);
}
