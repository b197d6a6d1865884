/* test_journal.c - the log: lines that stay lines and JSON that stays JSON whatever bytes come; nothing that waits. */
#include "server/ops/journal.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_support.h"

static char path[512];

static journal *open_journal(bool json, sumi_log_level level)
{
    journal *j;
    sumi_error err;
    snprintf(path, sizeof path, "%s/journal-%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", getpid());
    unlink(path);
    const journal_opts opts = { .path = path, .json = json, .level = level };
    if (journal_open(&j, &opts, &err) != SUMI_OK) fail_msg("%s", err.message);
    return j;
}

/* Closes the journal; what is in its file, which is removed. */
static size_t close_and_read(journal *j, char *text, size_t n)
{
    journal_close(j);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t got = fread(text, 1, n - 1, f);
    text[got] = '\0';
    fclose(f);
    unlink(path);
    return got;
}

static const char hostile[] =
    "a \"quote\" \\ \x1b[31m \n{\"level\":\"error\"}\r \xff\xfe \xed\xa0\x80 \xe2\x80\xa8 end";

static void a_line_of_json_is_one_for_any_bytes(void **state)
{
    (void)state;
    static char text[1 << 20];
    char all[256];
    journal *j = open_journal(true, SUMI_LOG_INFO);
    for (int i = 0; i < 255; i++) all[i] = (char)(i + 1);
    all[255] = '\0';
    const journal_request r = { .id = hostile,
                                .client = all,
                                .method = all,
                                .path = hostile,
                                .key = all,
                                .status = 200,
                                .ms = 1.5,
                                .finish = "stop",
                                .n_prompt = 3,
                                .n_cached = 2,
                                .n_generated = 1,
                                .first_token_ms = 0.25,
                                .trace_id = hostile,
                                .client_left = true };
    journal_message(j, SUMI_LOG_WARN, hostile);
    journal_message(j, SUMI_LOG_WARN, all);
    journal_put_request(j, SUMI_LOG_INFO, &r);
    journal_put_body(j, "id", all, sizeof all);
    size_t n = close_and_read(j, text, sizeof text);
    assert_true(n > 0 && text[n - 1] == '\n');
    int n_lines = 0;
    for (char *line = text, *next; *line; line = next + 1, n_lines++) {
        json_error_t error;
        next = strchr(line, '\n');
        *next = '\0';
        json_t *o = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!o) fail_msg("%s: %s", error.text, line);
        assert_string_equal(json_string_value(json_object_get(o, "level")), n_lines < 2 ? "warn" : "info");
        if (n_lines == 2) {
            assert_int_equal(json_integer_value(json_object_get(o, "status")), 200);
            assert_int_equal(json_integer_value(json_object_get(o, "cached_tokens")), 2);
            assert_true(json_is_true(json_object_get(o, "left")));
        }
        json_decref(o);
    }
    assert_int_equal(n_lines, 4);
}

static void a_line_of_text_is_one_for_any_bytes(void **state)
{
    (void)state;
    char text[4096];
    journal *j = open_journal(false, SUMI_LOG_INFO);
    journal_message(j, SUMI_LOG_ERROR, hostile);
    size_t n = close_and_read(j, text, sizeof text);
    assert_ptr_equal(strchr(text, '\n'), text + n - 1);
    assert_null(strchr(text, '\x1b'));
    assert_non_null(strstr(text, "Z error a \"quote\""));
}

static void a_request_is_one_line(void **state)
{
    (void)state;
    char text[4096];
    journal *j = open_journal(false, SUMI_LOG_INFO);
    const journal_request r = { .id = "req-1",
                                .client = "127.0.0.1",
                                .method = "POST",
                                .path = "/v1/completions",
                                .key = "ann",
                                .status = 200,
                                .ms = 812.44,
                                .finish = "stop",
                                .n_prompt = 31,
                                .n_cached = 16,
                                .n_generated = 24,
                                .first_token_ms = 102.06 };
    const journal_request refused = {
        .id = "req-2", .method = "GET", .path = "other", .status = 404, .ms = 0.1, .code = "not_found"
    };
    journal_put_request(j, SUMI_LOG_INFO, &r);
    journal_put_request(j, SUMI_LOG_INFO, &refused);
    close_and_read(j, text, sizeof text);
    assert_non_null(strstr(text, "Z info  request req-1 POST /v1/completions 200 812.4ms client=127.0.0.1 key=ann "
                                 "prompt=31 cached=16 generated=24 finish=stop first_token=102.1ms\n"));
    assert_non_null(strstr(text, "Z info  request req-2 GET other 404 0.1ms error=not_found\n"));
}

static void levels_leave_lines_away(void **state)
{
    (void)state;
    char text[4096];
    const journal_request r = { .id = "req-1", .status = 200 };
    journal *j = open_journal(false, SUMI_LOG_WARN);
    journal_message(j, SUMI_LOG_INFO, "quiet");
    journal_put_request(j, SUMI_LOG_INFO, &r);
    journal_put_body(j, "id", "quiet", 5);
    assert_int_equal(close_and_read(j, text, sizeof text), 0);
}

static void a_long_body_is_cut(void **state)
{
    (void)state;
    static char text[1 << 20], body[1 << 20];
    journal *j = open_journal(true, SUMI_LOG_INFO);
    memset(body, 1, sizeof body); /* each byte becomes six */
    journal_put_body(j, "id", body, sizeof body);
    size_t n = close_and_read(j, text, sizeof text);
    assert_true(n > 0 && n < 200000);
    assert_string_equal(text + n - 13, ",\"cut\":true}\n");
}

static void a_moved_file_is_opened_anew(void **state)
{
    (void)state;
    char text[4096], moved[600];
    sumi_error err;
    journal *j = open_journal(false, SUMI_LOG_INFO);
    journal_message(j, SUMI_LOG_INFO, "before");
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(journal_reopen(j, &err), SUMI_OK);
    journal_message(j, SUMI_LOG_INFO, "after");
    close_and_read(j, text, sizeof text);
    unlink(moved);
    assert_non_null(strstr(text, "after"));
    assert_null(strstr(text, "before"));
}

/* stderr is a full pipe that nobody reads. */
/* While the model is loaded, a bar may be on the line. */
static void a_line_on_a_terminal_replaces_a_bar(void **state)
{
    char text[256];
    size_t at = 0;
    journal *j;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), errors = dup(STDERR_FILENO);
    (void)state;
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(line >= 0 && dup2(line, STDERR_FILENO) == STDERR_FILENO);
    sumi_status st = journal_open(&j, &(journal_opts){ .level = SUMI_LOG_INFO }, NULL);
    if (st == SUMI_OK) journal_message(j, SUMI_LOG_INFO, "a message");
    if (st == SUMI_OK) journal_close(j);
    dup2(errors, STDERR_FILENO);
    close(errors);
    close(line);
    assert_int_equal(st, SUMI_OK);
    for (ssize_t n; at < sizeof text - 1 && (n = read(terminal, text + at, sizeof text - 1 - at)) > 0;) at += (size_t)n;
    text[at] = '\0';
    close(terminal);
    assert_memory_equal(text, "\r\033[K2", 5);
    assert_non_null(strstr(text, "Z info  a message\r\n"));
}

static void a_pipe_that_nobody_reads_loses_lines_and_holds_nobody_up(void **state)
{
    (void)state;
    int fds[2], saved = dup(STDERR_FILENO);
    journal *j;
    sumi_error err;
    const journal_opts opts = { .level = SUMI_LOG_INFO };
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    dup2(fds[1], STDERR_FILENO);
    sumi_status st = journal_open(&j, &opts, &err);
    for (int i = 0; i < 20000 && st == SUMI_OK; i++) journal_message(j, SUMI_LOG_INFO, "a line of some length");
    dup2(saved, STDERR_FILENO);
    assert_int_equal(st, SUMI_OK);
    assert_true(journal_lost(j) > 0 && journal_lost(j) < 20000);
    journal_close(j);
    close(saved);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_json_is_one_for_any_bytes),
        cmocka_unit_test(a_line_of_text_is_one_for_any_bytes),
        cmocka_unit_test(a_request_is_one_line),
        cmocka_unit_test(levels_leave_lines_away),
        cmocka_unit_test(a_long_body_is_cut),
        cmocka_unit_test(a_moved_file_is_opened_anew),
        cmocka_unit_test(a_line_on_a_terminal_replaces_a_bar),
        cmocka_unit_test(a_pipe_that_nobody_reads_loses_lines_and_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
