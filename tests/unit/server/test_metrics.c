/* test_metrics.c - the page of numbers: Prometheus' text format, cumulative buckets, labels that cannot break it. */
#include "server/metrics.h"

#include <string.h>

#include "test_support.h"

static void what_was_counted_is_on_the_page(void **state)
{
    (void)state;
    static metrics m;
    static const char *const paths[] = { "/a", "other" };
    sumi_engine_stats stats = { .n_running = 2, .kv_blocks = 8, .kv_used = 2 };
    sumi_usage usage = { .n_prompt = 4, .n_generated = 3, .queue_ms = 1 };
    buf out;
    metrics_init(&m);
    buf_init(&out, SIZE_MAX);
    histogram_add(&m.first_token, 0.5);
    histogram_add(&m.first_token, 700);
    histogram_add(&m.first_token, 1e9);
    metrics_end(&m, SUMI_FINISH_LENGTH, &usage, 1500);
    metrics_http(&m, 0, 200);
    metrics_http(&m, 0, 200);
    metrics_http(&m, 1, 418);
    metrics_put(&m, &stats, "a\"b\n", paths, 2, &out);
    static const char *const lines[] = {
        "\nvllm:num_requests_running{model_name=\"a\\\"b?\"} 2\n",
        "\nvllm:kv_cache_usage_perc{model_name=\"a\\\"b?\"} 0.25\n",
        "\nvllm:generation_tokens_total{model_name=\"a\\\"b?\"} 3\n",
        "finished_reason=\"length\",model_name=\"a\\\"b?\"} 1\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b?\",le=\"0.001\"} 1\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b?\",le=\"0.5\"} 1\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b?\",le=\"0.75\"} 2\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b?\",le=\"80\"} 2\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b?\",le=\"+Inf\"} 3\n",
        "vllm:e2e_request_latency_seconds_sum{model_name=\"a\\\"b?\"} 1.500000\n",
        "\nhttp_requests_total{path=\"/a\",status=\"200\"} 2\n",
        "\nhttp_requests_total{path=\"other\",status=\"other\"} 1\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(out.data, lines[i])) fail_msg("not on the page: %s", lines[i]);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_was_counted_is_on_the_page) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
