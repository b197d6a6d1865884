/* test_server.c - a server whose model is not loaded yet: it is alive and says so, refuses what needs the model, and is
 * counted; which requests are HTTP, for it, and JSON; over a real socket, without a model. */
#include "server/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/http/http.h"
#include "test_support.h"

static server *create_with(server_opts o)
{
    server *s;
    sumi_error err;
    o.port = 0;
    o.n_threads = 1;
    if (server_create(&s, &o, &err) != SUMI_OK) fail_msg("%s", err.message);
    return s;
}

static server *create(void)
{
    return create_with(server_opts_default());
}

/* The whole answer to the request, whose connection is closed after it. */
static void ask(const server *s, const char *request, size_t n_request, char *answer, size_t n)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(s)) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(write(fd, request, n_request), n_request);
    size_t at = 0;
    for (ssize_t got; at < n - 1 && (got = read(fd, answer + at, n - 1 - at)) > 0;) at += (size_t)got;
    answer[at] = '\0';
    close(fd);
}

static void expect_bytes(const server *s, const char *request, size_t n_request, const char *status, const char *text)
{
    char answer[65536], line[64];
    ask(s, request, n_request, answer, sizeof answer);
    snprintf(line, sizeof line, "HTTP/1.1 %s ", status);
    if (strncmp(answer, line, strlen(line)) != 0 || !strstr(answer, text))
        fail_msg("not %s with '%s': %s", status, text, answer);
}

static void expect(const server *s, const char *request, const char *status, const char *text)
{
    expect_bytes(s, request, strlen(request), status, text);
}

#define HOST       "Host: localhost\r\n"
#define CLOSE      HOST "Connection: close\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\n" CLOSE "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

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
    expect(s, "GET /health HTTP/9.9\r\n" CLOSE "\r\n", "505", "");
    expect(s, "BREW /health HTTP/1.1\r\n" CLOSE "\r\n", "405", "Allow: GET, HEAD, OPTIONS\r\n");
    expect(s, "POST /tokenize HTTP/1.1\r\n" CLOSE "Content-Length: x\r\n\r\n", "400", "");
    expect(s, "GET /metrics HTTP/1.1\r\n" CLOSE "\r\n", "200",
           "\nhttp_requests_total{path=\"other\",status=\"505\"} 1\n");
    server_destroy(s);
}

/* libmicrohttpd 1.0 refuses these requests itself, in its own words, and has 400 where we say 501. Where the target of a request
 * has a NUL byte it closes without an answer. */
static void expect_refusal(const server *s, const char *request, size_t n, const char *status, const char *text)
{
    char answer[65536];
    if (!framing_is_checked_by_mhd()) {
        expect_bytes(s, request, n, status, text);
        return;
    }
    ask(s, request, n, answer, sizeof answer);
    bool refused = !answer[0] || !strncmp(answer, "HTTP/1.1 400 ", 13) || !strncmp(answer, "HTTP/1.1 501 ", 13);
    if (!refused || strstr(answer, "HTTP/1.1 200 ")) fail_msg("not refused: %s", answer);
}

/* Each of these could be read in two ways, or is forbidden by RFC 9112. The client does not ask to close: that the answer
 * ends shows that the server does, and that what follows is not taken for another request. */
static void what_could_be_read_in_two_ways_is_refused_and_closed(void **state)
{
    (void)state;
#define HEAD "POST /tokenize HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
#define BODY "\r\n\r\n{}GET /health HTTP/1.1\r\n" HOST "\r\n"
#define CASE(status, text)            \
    {                                 \
        status, text, sizeof text - 1 \
    }
    static const struct {
        const char *status, *text;
        size_t n;
    } all[] = {
        CASE("400", HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked" BODY),
        CASE("400", HEAD "Transfer-Encoding: chunked\r\nContent-Length: 2" BODY),
        CASE("400", HEAD "Content-Length: 2\r\nContent-Length: 50" BODY),
        CASE("400", HEAD "Content-Length: 2\r\nContent-Length: 2" BODY),
        CASE("400", HEAD "Content-Length: 2\0 99" BODY),
        CASE("400", HEAD "Content-Length:\r\n 2" BODY),
        CASE("400", HEAD "Content-Length : 2" BODY),
        CASE("400", HEAD "X: a\r\n\tb\r\nContent-Length: 2" BODY),
        CASE("400", HEAD "X: a\0b\r\nContent-Length: 2" BODY),
        CASE("400", HEAD "X: a\rb\r\nContent-Length: 2" BODY),
        CASE("400", HEAD "\0X: a\r\nContent-Length: 2" BODY),
        CASE("400", HEAD "X: a\nContent-Length: 2" BODY),
        CASE("400", HEAD ": a\r\nContent-Length: 2" BODY),
        CASE("400", HEAD "X(y): a\r\nContent-Length: 2" BODY),
        CASE("400", HEAD "Transfer-Encoding : chunked" BODY),
        CASE("501", HEAD "Transfer-Encoding: xchunked" BODY),
        CASE("501", HEAD "Transfer-Encoding: gzip, chunked" BODY),
        CASE("501", HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity" BODY),
        CASE("400", "POST /tokenize HTTP/1.0\r\nTransfer-Encoding: chunked" BODY),
        CASE("400", "GET /health HTTP/1.1\r\n" HOST HOST "\r\n"),
        CASE("400", "GET /health HTTP/1.1\r\nX: y\r\n\r\n"),
        CASE("400", "GET /health\0x HTTP/1.1\r\n" HOST "\r\n"),
        CASE("400", "GET /hea lth HTTP/1.1\r\n" HOST "\r\n"),
        CASE("400", "GET /health HTTP/1.1\n" HOST "\r\n"),
        CASE("400", "GET /health HTTP/1.1\r\n" HOST "\n"),
    };
    server *s = create();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        expect_refusal(s, all[i].text, all[i].n, all[i].status,
                       all[i].status[0] == '4' ? "\"code\":\"malformed_request\"" : "\"not_implemented\"");
    server_destroy(s);
}

static void what_is_only_unusual_is_taken(void **state)
{
    (void)state;
    static const char *const all[] = {
        "GET /health HTTP/1.0\r\n\r\n",
        "\r\nGET /health HTTP/1.1\r\n" CLOSE "\r\n",
        "GET /health HTTP/1.1\r\nHost:localhost\r\nA:\r\nB: \t c  \r\nCookie: a=b; c=d\r\nConnection:close\r\n\r\n",
        "GET /health?a=b&c=%20 HTTP/1.1\r\n" CLOSE "\r\n",
        "GET http://127.0.0.1:1/health HTTP/1.1\r\n" CLOSE "\r\n",
        "GET //health/ HTTP/1.1\r\n" CLOSE "\r\n",
        "GET /models HTTP/1.1\r\n" CLOSE "\r\n",
        "GET /v1//models HTTP/1.1\r\n" CLOSE "\r\n",
    };
    server *s = create();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) expect(s, all[i], "200", "");
    server_destroy(s);
}

static void paths_without_v1_lead_to_the_same_routes(void **state)
{
    (void)state;
    server *s = create();
    expect(s, POST("/chat/completions"), "503", "\"code\":\"loading\"");
    expect(s, POST("/completions/"), "503", "\"code\":\"loading\"");
    expect(s, POST("/embeddings"), "503", "\"code\":\"loading\"");
    expect(s, POST("/messages"), "503", "overloaded_error");
    expect(s, "GET /models/other HTTP/1.1\r\n" CLOSE "\r\n", "404", "model_not_found");
    expect(s, "GET /metrics HTTP/1.1\r\n" CLOSE "\r\n", "200",
           "\nhttp_requests_total{path=\"/v1/chat/completions\",status=\"503\"} 1\n");
    server_destroy(s);
}

static void an_unknown_path_is_told_with_the_nearest_one(void **state)
{
    (void)state;
    server *s = create();
    expect(s, POST("/v1/chat/completion"), "404", "'/v1/chat/completion'; did you mean '/v1/chat/completions'?");
    expect(s, POST("/v1/v1/chat/completions"), "404", "did you mean '/v1/chat/completions'?");
    expect(s, POST("/api/chats"), "404", "did you mean '/api/chat'?");
    expect(s, POST("/completion"), "404", "did you mean '/v1/completions'?");
    expect(s, POST("/api/delete"), "404", "there is no path '/api/delete'; /openapi.json lists all paths");
    expect(s, POST("/v1/moderations"), "404", "/openapi.json lists all");
    expect(s, "GET /favicon.ico HTTP/1.1\r\n" CLOSE "\r\n", "404", "/openapi.json lists all");
    expect(s, "GET /health%00x HTTP/1.1\r\n" CLOSE "\r\n", "404", "no path '/health%00x'");
    server_destroy(s);
}

static void names_that_somebody_can_own_are_refused_unless_told(void **state)
{
    (void)state;
    static const char *const names[] = { "chat.example", ".corp.example" };
    server_opts o = server_opts_default();
    server *s = create();
    expect(s, "GET /health HTTP/1.1\r\nHost: evil.example:8080\r\nConnection: close\r\n\r\n", "403",
           "--allowed-host evil.example, or ask it by its address\"");
    expect(s, "GET http://evil.example/health HTTP/1.1\r\n" CLOSE "\r\n", "403", "host_not_allowed");
    expect(s, "OPTIONS /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "403", "");
    expect(s, "GET /nothing HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "403", "");
    server_destroy(s);
    o.allowed_hosts = names;
    o.n_allowed_hosts = 2;
    s = create_with(o);
    expect(s, "GET /health HTTP/1.1\r\nHost: chat.example:8080\r\nConnection: close\r\n\r\n", "200", "");
    expect(s, "GET /health HTTP/1.1\r\nHost: a.corp.example\r\nConnection: close\r\n\r\n", "200", "");
    expect(s, "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "403", "");
    server_destroy(s);
}

static void bodies_are_json_as_it_is(void **state)
{
    (void)state;
#define WITH(path, header) "POST " path " HTTP/1.1\r\n" CLOSE header "Content-Length: 2\r\n\r\n{}"
    server *s = create();
    expect(s, WITH("/v1/completions", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"), "415",
           "Accept-Encoding: identity\r\n");
    expect(s, WITH("/v1/completions", ""), "415", "unsupported_media_type");
    expect(s, WITH("/api/chat", ""), "503", ""); /* the type is fine: what stops it is that nothing is loaded */
    expect(s, WITH("/api/chat", "Content-Type: text/plain\r\n"), "503", "");
    expect(s, WITH("/api/chat", "Origin: http://evil.example\r\n"), "415", "");
    expect(s, WITH("/api/chat", "Content-Type: text/plain\r\nOrigin: null\r\n"), "415", "");
    server_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_loads_is_alive_and_not_ready),
        cmocka_unit_test(what_is_no_http_is_refused),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused_and_closed),
        cmocka_unit_test(what_is_only_unusual_is_taken),
        cmocka_unit_test(paths_without_v1_lead_to_the_same_routes),
        cmocka_unit_test(an_unknown_path_is_told_with_the_nearest_one),
        cmocka_unit_test(names_that_somebody_can_own_are_refused_unless_told),
        cmocka_unit_test(bodies_are_json_as_it_is),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
