/* test_metrics.c - the page of numbers: Prometheus' text format, cumulative buckets, labels that cannot break it. */
#include "server/ops/metrics.h"

#include <string.h>

#include "test_support.h"

static void what_was_counted_is_on_the_page(void **state)
{
    (void)state;
    static metrics m;
    static const char *const paths[] = { "/a", "other" };
    const metrics_server s = { .engine = { .n_running = 2,
                                           .n_generated = 3,
                                           .kv_blocks = 8,
                                           .kv_used = 2,
                                           .n_steps = 3,
                                           .n_step_seqs = 7,
                                           .steps_by_seqs = { 1, 0, 2 } },
                               .model_name = "a\"b\n\xff",
                               .isa = "ref" };
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
    metrics_put(&m, &s, paths, 2, &out);
    static const char *const lines[] = {
        "\nvllm:num_requests_running{model_name=\"a\\\"b??\"} 2\n",
        "\nvllm:kv_cache_usage_perc{model_name=\"a\\\"b??\"} 0.25\n",
        "\nvllm:generation_tokens_total{model_name=\"a\\\"b??\"} 3\n",
        "finished_reason=\"length\",model_name=\"a\\\"b??\"} 1\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b??\",le=\"0.001\"} 1\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b??\",le=\"0.5\"} 1\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b??\",le=\"0.75\"} 2\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b??\",le=\"80\"} 2\n",
        "_first_token_seconds_bucket{model_name=\"a\\\"b??\",le=\"+Inf\"} 3\n",
        "vllm:e2e_request_latency_seconds_sum{model_name=\"a\\\"b??\"} 1.500000\n",
        "vllm:request_prompt_tokens_bucket{model_name=\"a\\\"b??\",le=\"2\"} 0\n",
        "vllm:request_prompt_tokens_bucket{model_name=\"a\\\"b??\",le=\"5\"} 1\n",
        "vllm:request_prompt_tokens_sum{model_name=\"a\\\"b??\"} 4.000000\n",
        "\nsumi_step_sequences_bucket{model_name=\"a\\\"b??\",le=\"1\"} 1\n",
        "\nsumi_step_sequences_bucket{model_name=\"a\\\"b??\",le=\"2\"} 1\n",
        "\nsumi_step_sequences_bucket{model_name=\"a\\\"b??\",le=\"4\"} 3\n",
        "\nsumi_step_sequences_bucket{model_name=\"a\\\"b??\",le=\"+Inf\"} 3\n",
        "\nsumi_step_sequences_sum{model_name=\"a\\\"b??\"} 7.000000\n",
        "\nsumi_build_info{version=\"" SUMI_VERSION "\",isa=\"ref\",model_name=\"a\\\"b??\"} 1\n",
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
