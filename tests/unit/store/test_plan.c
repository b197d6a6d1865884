/* test_plan.c - to which addresses a token is sent. */
#include "store/plan.h"

#include "test_support.h"

static void a_token_is_sent_over_tls_or_to_this_machine(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool sent;
    } cases[] = {
        { "https://huggingface.co/a/b", true },
        { "HTTPS://huggingface.co", true },
        { "http://localhost", true },
        { "http://localhost:8080/a", true },
        { "http://127.0.0.1/a", true },
        { "http://[::1]:8080/a", true },
        { "http://huggingface.co/a/b", false },
        { "http://localhost.example.com/", false },
        { "http://localhost@example.com/", false },
        { "http://127.0.0.1.example.com", false },
        { "http://127.0.0.10/", false },
        { "ftp://localhost/", false },
        { "", false },
    };
    const pull_opts with = { .token = "secret" }, without = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if ((plan_token(&with, cases[i].url) == with.token) != cases[i].sent) fail_msg("%s", cases[i].url);
        assert_null(plan_token(&without, cases[i].url));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_sent_over_tls_or_to_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
