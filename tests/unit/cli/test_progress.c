/* test_progress.c - the bar of long work is never as wide as the terminal: there it would wrap, and flood the screen. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/options/options.h"
#include "cli/terminal/columns.h"
#include "cli/terminal/loading.h"
#include "cli/terminal/progress.h"
#include "test_support.h"

static const char model[] = "SmolLM2-135M-Instruct-Q8_0.gguf", note[] = "79.3 MiB, 21.4 MiB/s";

static void a_bar_stays_below_the_width_of_any_terminal(void **state)
{
    static const char *const names[] = {
        model, "", "x", "模型的名字很长很长很长很长很长很长.gguf",
        "a-name-that-is-much-longer-than-any-terminal-would-ever-be-wide-a-name-that-is-much-longer-than-any"
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int columns = 12; columns < 200; columns++)
            for (int percent = 0; percent <= 100; percent += 25) {
                char line[2048];
                progress_line(line, sizeof line, names[i], percent, percent * 100.0, percent % 50 ? note : "", columns);
                assert_true(columns_of_text(line, strlen(line)) < columns);
            }
}

static void parts_give_way_one_after_the_other(void **state)
{
    char line[2048];
    (void)state;
    progress_line(line, sizeof line, model, 50, 12, note, 200);
    assert_string_equal(
        line, "SmolLM2-135M-Instruct-Q8_0.gguf [###############               ]  50%  12 s left  79.3 MiB, 21.4 MiB/s");
    progress_line(line, sizeof line, model, 50, 12, note, 80);
    assert_string_equal(line, "SmolLM2-135M-... [##########           ]  50%  12 s left  79.3 MiB, 21.4 MiB/s");
    progress_line(line, sizeof line, model, 50, 12, note, 60);
    assert_string_equal(line, "SmolLM2-135M-Instruct-Q8_0.gguf  50%  12 s left");
    progress_line(line, sizeof line, model, 50, 12, note, 40);
    assert_string_equal(line, "SmolLM2-135M-...  50%  12 s left");
}

/* What a model of 100 bytes shows on a terminal that has been opening for `ms`, when 40 bytes are ready and a warning comes. */
static size_t show_loading(double ms, char *text, size_t n_text)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), errors = dup(STDERR_FILENO);
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(line >= 0 && dup2(line, STDERR_FILENO) == STDERR_FILENO);
    loading l = loading_start();
    l.start_ms -= ms;
    common_options o = common_options_default();
    o.bar = &l;
    assert_true(loading_show(&l, 40, 100));
    cli_print_log(&o, SUMI_LOG_WARN, "a message");
    loading_end(&l);
    dup2(errors, STDERR_FILENO);
    close(line);
    size_t at = 0;
    for (ssize_t n; at < n_text - 1 && (n = read(terminal, text + at, n_text - 1 - at)) > 0;)
        at += (size_t)n; /* until EIO */
    text[at] = '\0';
    close(errors);
    close(terminal);
    return at;
}

static void a_model_that_opens_slowly_shows_a_bar_and_takes_it_away(void **state)
{
    char text[1024];
    (void)state;
    show_loading(0, text, sizeof text);
    assert_string_equal(text, "sumi: warning: a message\r\n");
    show_loading(4000, text, sizeof text);
    assert_non_null(strstr(text, "left\033[K\r\033[Ksumi: warning: a message\r\n\r\033[K"));
    assert_non_null(strstr(text, "loading ["));
    assert_non_null(strstr(text, "40%  6 s left"));
    const char *end = text + strlen(text) - strlen("\r\033[K");
    assert_string_equal(end, "\r\033[K");
}

static void text_that_is_cut_ends_in_dots(void **state)
{
    char out[64], small[8];
    (void)state;
    columns_fit(out, sizeof out, "abcdef", 6);
    assert_string_equal(out, "abcdef");
    columns_fit(out, sizeof out, "abcdef", 5);
    assert_string_equal(out, "ab...");
    columns_fit(out, sizeof out, "模型名字", 7); /* each is two columns wide */
    assert_string_equal(out, "模型...");
    columns_fit(out, sizeof out,
                "e\xcc\x81"
                "abc",
                4); /* a combining accent takes none */
    assert_string_equal(out, "e\xcc\x81"
                             "abc");
    columns_fit(out, sizeof out, "abcdef", 2);
    assert_string_equal(out, "");
    columns_fit(small, sizeof small, "abcdefghij", 20);
    assert_string_equal(small, "abcd...");
    columns_fit(small, 2, "abcdefghij", 20);
    assert_string_equal(small, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_stays_below_the_width_of_any_terminal),
        cmocka_unit_test(parts_give_way_one_after_the_other),
        cmocka_unit_test(a_model_that_opens_slowly_shows_a_bar_and_takes_it_away),
        cmocka_unit_test(text_that_is_cut_ends_in_dots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
