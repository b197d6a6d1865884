/* test_settings.c - the options that say how an answer is chosen: each one that is a setting of the sampler counts as given, so
 * that what the model's file recommends does not overrule it. */
#include <string.h>

#include "cli/options/settings.h"
#include "test_support.h"

static void an_option_that_was_given_is_not_overruled_by_the_model(void **state)
{
    uint32_t seen = 0;
    int n = 0;
    (void)state;
    for (const struct argp_option *o = settings_argp.options; o->name; o++) {
        sumi_generate_opts opts = sumi_generate_opts_default();
        settings s = { .opts = &opts };
        struct argp_state argp = { .input = &s };
        char value[] = "1";
        if (!strcmp(o->name, "generation-config") || !strcmp(o->name, "max-tokens")) continue;
        assert_int_equal(settings_argp.parser(o->key, value, &argp), 0);
        if (s.given == 0) fail_msg("--%s is no member in src/sample/members.c", o->name);
        if (s.given & seen) fail_msg("--%s has the bit of another member", o->name);
        seen |= s.given;
        n++;
    }
    assert_true(n >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_that_was_given_is_not_overruled_by_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
