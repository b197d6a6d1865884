/* headers.c - reads the headers of a request, and writes those of an answer.
 *
 * No bytes of a client become a header, except a request id of plain characters and a valid traceparent. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http/http.h"
#include "server/http/path.h"

static const char UNSUPPORTED_ENCODING[] = "unsupported_encoding";

static const char *header(const exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->conn, MHD_HEADER_KIND, name);
}

/* Headers are limited to half of the connection's memory: if they exceeded that memory, MHD would answer without JSON. */
enum { MAX_HEADER_BYTES = CONNECTION_BYTES / 2 };

bool headers_check_size(exchange *x, api_error *e)
{
    const union MHD_ConnectionInfo *size = MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (!size || size->header_size <= MAX_HEADER_BYTES) return true;
    return api_fail(e, 431, "headers_too_large", NULL, "the headers are larger than %d bytes", MAX_HEADER_BYTES);
}

static void read_id(exchange *x)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *id = header(x, "X-Request-Id");
    size_t n = id ? strspn(id, plain) : 0;
    if (n > 0 && n <= REQUEST_ID_MAX && id[n] == '\0') {
        memcpy(x->id, id, n + 1);
        return;
    }
    uint64_t number = atomic_fetch_add(&x->server->n_requests, 1) + 1;
    /* A bijection of the number (the finaliser of splitmix64), so ids of a run never repeat, and do not count. */
    uint64_t z = number * 0x9E3779B97F4A7C15u + x->server->id_salt;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    snprintf(x->id, sizeof x->id, "req-%016llx", (unsigned long long)(z ^ z >> 31));
}

bool headers_is_anthropic(const exchange *x)
{
    return header(x, "Anthropic-Version") != NULL;
}

void headers_read(exchange *x)
{
    read_id(x);
    trace_read(&x->trace, header(x, "traceparent"));
    const char *agent = header(x, MHD_HTTP_HEADER_USER_AGENT);
    if (agent) strncat(x->agent, agent, AGENT_MAX);
}

typedef struct text_list {
    char text[1024];
    size_t n;
} text_list;

/* A header that occurs several times is one list (RFC 9110, 5.3). Of a list that is too long the end is kept, which
 * proxies append. */
static enum MHD_Result add_forwarded(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
    text_list *l = cls;
    size_t n = value && !strcasecmp(key, "X-Forwarded-For") ? strlen(value) : 0, max = sizeof l->text - 1;
    (void)kind;
    if (n == 0) return MHD_YES;
    if (n > max) {
        value += n - max;
        n = max;
    }
    size_t kept = l->n + 1 + n <= sizeof l->text ? l->n : 0; /* otherwise the earlier part is dropped */
    if (kept) l->text[kept++] = ',';
    memcpy(l->text + kept, value, n);
    l->n = kept + n;
    return MHD_YES;
}

void headers_read_client(const exchange *x, struct in6_addr *client)
{
    const server_opts *o = &x->server->opts;
    text_list list = { .n = 0 };
    MHD_get_connection_values(x->conn, MHD_HEADER_KIND, add_forwarded, &list);
    const char *real = list.n == 0 ? header(x, "X-Real-IP") : NULL;
    forwarded_client(client, &x->link->peer, real ? real : list.text, real ? strlen(real) : list.n, o->trusted_proxies,
                     o->n_trusted_proxies);
}

static struct MHD_Response *add_cors(const exchange *x, struct MHD_Response *r)
{
    const char *origin = x->server->opts.cors_origin;
    if (!origin) return r;
    r = http_with(r, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    r = http_with(r, "Access-Control-Expose-Headers", "X-Request-Id, Request-Id, Retry-After");
    if (strcmp(origin, "*") != 0) r = http_with(r, MHD_HTTP_HEADER_VARY, "Origin");
    return r;
}

struct MHD_Response *headers_add(exchange *x, struct MHD_Response *r, const api_error *e)
{
    char number[16];
    r = http_with(r, "X-Request-Id", x->id);
    if (x->api == API_ANTHROPIC) r = http_with(r, "Request-Id", x->id);
    if (x->trace.id[0]) r = http_with(r, "traceparent", x->trace.parent);
    if (x->last) r = http_with(r, MHD_HTTP_HEADER_CONNECTION, "close");
    r = http_with(r, "X-Content-Type-Options", "nosniff");
    r = http_with(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    r = add_cors(x, r);
    if (!e) return r;
    if (e->retry_after > 0) {
        snprintf(number, sizeof number, "%d", e->retry_after);
        r = http_with(r, MHD_HTTP_HEADER_RETRY_AFTER, number);
    }
    if (e->code && !strcmp(e->code, UNSUPPORTED_ENCODING))
        r = http_with(r, MHD_HTTP_HEADER_ACCEPT_ENCODING, "identity");
    if (e->status == 401) r = http_with(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (e->allow) r = http_with(r, MHD_HTTP_HEADER_ALLOW, e->allow);
    return r;
}

/* Whether the media type is `name`, with any parameters. */
static bool is_type(const char *type, const char *name)
{
    size_t n = type ? strcspn(type, "; \t") : 0;
    return n == strlen(name) && !strncasecmp(type, name, n);
}

/* Web pages of another origin cannot send JSON without a preflight request. Ollama ignores the media type, and some of its
 * clients send none or, as curl does, that of a form: this is accepted from all clients but web pages, which send their
 * origin. */
static bool is_json(const exchange *x)
{
    const char *type = header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
    return is_type(type, "application/json") || (x->api == API_OLLAMA && !header(x, MHD_HTTP_HEADER_ORIGIN));
}

bool headers_check_host(const exchange *x, const char *url, api_error *e)
{
    size_t n;
    const char *host = path_authority(url, &n); /* it counts more than the header: RFC 9112, 3.2.2 */
    if (!host && (host = header(x, MHD_HTTP_HEADER_HOST))) n = strlen(host);
    if (!host || host_is_allowed(&x->server->hosts, host, n)) return true;
    const char *port = memchr(host, ':', n);
    int n_name = port ? (int)(port - host) : (int)n;
    return api_fail(e, 403, "host_not_allowed", NULL,
                    "this server is not known as '%.*s': give it --allowed-host %.*s, or ask it by its address",
                    n_name < 100 ? n_name : 100, host, n_name < 100 ? n_name : 100, host);
}

bool headers_check_body(exchange *x, api_error *e)
{
    size_t max = x->server->opts.max_body_bytes;
    const char *length = header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *encoding = header(x, MHD_HTTP_HEADER_CONTENT_ENCODING);
    char *end;
    if (!is_json(x))
        return api_fail(e, 415, "unsupported_media_type", NULL,
                        "the body must be JSON: send 'Content-Type: application/json'");
    if (encoding && !is_type(encoding, "identity"))
        return api_fail(e, 415, UNSUPPORTED_ENCODING, NULL,
                        "compressed bodies are not supported: send the body uncompressed");
    if (!length) return true; /* chunked: counted while it is received */
    errno = 0;
    unsigned long long n = strtoull(length, &end, 10);
    if (errno || n > max) return api_fail(e, 413, "body_too_large", NULL, "the body is larger than %zu bytes", max);
    return true;
}

bool headers_expect(const exchange *x)
{
    const char *expect = header(x, MHD_HTTP_HEADER_EXPECT);
    return expect && !strcasecmp(expect, "100-continue");
}

enum MHD_Result headers_preflight(exchange *x)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (x->server->opts.cors_origin) {
        r = http_with(r, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
        r = http_with(r, "Access-Control-Allow-Headers",
                      /* Clients in web pages send many of their own; "*" is all but the first. */
                      "Authorization, Content-Type, X-Api-Key, X-Request-Id, Anthropic-Version, *");
        r = http_with(r, "Access-Control-Max-Age", "600");
    }
    return http_send(x, 204, http_with(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST, OPTIONS"));
}
