/* test_server.c - a server whose model is not loaded yet: it is alive and says so, refuses what needs the model, and is
 * counted; over a real socket, without a model. */
#include "server/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test_support.h"

static server *create(void)
{
    server *s;
    sumi_error err;
    server_opts o = server_opts_default();
    o.port = 0;
    o.n_threads = 1;
    if (server_create(&s, &o, &err) != SUMI_OK) fail_msg("%s", err.message);
    return s;
}

/* The whole answer to the request, whose connection is closed after it. */
static void ask(const server *s, const char *request, char *answer, size_t n)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(s)) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    size_t at = 0;
    for (ssize_t got; at < n - 1 && (got = read(fd, answer + at, n - 1 - at)) > 0;) at += (size_t)got;
    answer[at] = '\0';
    close(fd);
}

static void expect(const server *s, const char *request, const char *status, const char *text)
{
    char answer[65536], line[64];
    ask(s, request, answer, sizeof answer);
    snprintf(line, sizeof line, "HTTP/1.1 %s ", status);
    if (strncmp(answer, line, strlen(line)) != 0 || !strstr(answer, text))
        fail_msg("not %s with '%s': %s", status, text, answer);
}

#define CLOSE "Host: a\r\nConnection: close\r\n"
#define POST(path)                                                                                           \
    "POST " path " HTTP/1.1\r\n" CLOSE "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

static void a_server_that_loads_is_alive_and_not_ready(void **state)
{
    (void)state;
    server *s = create();
    expect(s, "GET /health HTTP/1.1\r\n" CLOSE "\r\n", "200", "{\"status\":\"ok\"}");
    expect(s, "GET /ready HTTP/1.1\r\n" CLOSE "\r\n", "503", "\"code\":\"loading\"");
    expect(s, "GET /ready HTTP/1.1\r\n" CLOSE "\r\n", "503", "Retry-After: 1\r\n");
    expect(s, POST("/v1/chat/completions"), "503", "\"code\":\"loading\"");
    expect(s, POST("/v1/messages"), "503", "overloaded_error");
    expect(s, POST("/tokenize"), "503", "Retry-After: 1\r\n");
    expect(s, "GET /metrics HTTP/1.1\r\n" CLOSE "\r\n", "200", "\nsumi_ready 0\n");
    expect(s, "GET /metrics HTTP/1.1\r\n" CLOSE "\r\n", "200",
           "\nhttp_requests_total{path=\"/v1/chat/completions\",status=\"503\"} 1\n");
    server_drain(s, 0);
    server_destroy(s);
}

static void what_is_no_http_is_refused(void **state)
{
    (void)state;
    server *s = create();
    expect(s, "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", "400", ""); /* no Host */
    expect(s, "GET /health HTTP/9.9\r\n" CLOSE "\r\n", "505", "");
    expect(s, "BREW /health HTTP/1.1\r\n" CLOSE "\r\n", "405", "Allow: GET, HEAD, OPTIONS\r\n");
    expect(s, "POST /tokenize HTTP/1.1\r\n" CLOSE "Content-Length: x\r\n\r\n", "400", "");
    server_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_loads_is_alive_and_not_ready),
        cmocka_unit_test(what_is_no_http_is_refused),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
