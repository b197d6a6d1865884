/* test_log.c - names of levels, and messages on their way to a function. */
#include "base/log.h"

#include <string.h>

#include "test_support.h"

typedef struct seen {
    sumi_log_level level;
    char line[2048];
} seen;

static void take(void *user, sumi_log_level level, const char *message)
{
    seen *s = user;
    s->level = level;
    strcpy(s->line, message);
}

static void every_level_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = SUMI_LOG_ERROR; i <= SUMI_LOG_DEBUG; i++) {
        sumi_log_level level;
        assert_true(log_level_find(log_level_name((sumi_log_level)i), &level));
        assert_int_equal(level, i);
    }
    sumi_log_level kept = SUMI_LOG_INFO;
    assert_false(log_level_find("loud", &kept));
    assert_false(log_level_find("", &kept));
    assert_int_equal(kept, SUMI_LOG_INFO);
    assert_string_equal(log_level_name(SUMI_LOG_WARN), "warn");
}

static void messages_are_formatted_and_cut(void **state)
{
    seen s = { 0 };
    const logger log = { take, &s }, silent = { NULL, NULL };
    char text[3000];
    (void)state;
    log_message(&log, SUMI_LOG_WARN, "%d of %s", 3, "four");
    assert_string_equal(s.line, "3 of four");
    assert_int_equal(s.level, SUMI_LOG_WARN);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_message(&log, SUMI_LOG_INFO, "%s", text);
    assert_int_equal(strlen(s.line), 1023);
    log_message(&silent, SUMI_LOG_INFO, "%s", text);
    log_message(NULL, SUMI_LOG_INFO, "%s", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_is_found_by_its_name),
        cmocka_unit_test(messages_are_formatted_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
