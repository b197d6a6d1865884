/* framing.c - checks the end of a request and its host before its body is read (RFC 9112, 6.3).
 *
 * If a proxy and a server disagree about the length of a request, a part of one client's body becomes the next client's
 * request. So a request that could be read in two ways is refused, and its connection is closed.
 *
 * libmicrohttpd 0.9 parses headers in its own way and passes on only the result: it cuts a line at a NUL byte, drops lines
 * that continue the line before, takes LF for CRLF, and takes an empty name for the end of the headers. But it parses in
 * place: names and values are where they were received, so skipped bytes are visible as a gap between them:
 *
 *   method                version    name    value    name             value       |<- method + size of the headers
 *   POST /v1/completions HTTP/1.1 CRLF Host: localhost CRLF Content-Length: 30 CRLF CRLF
 *                                ^^^^                  ^^^^                    ^^^^^^^^^ nothing else may be there
 *
 * Version 1.0 checks these cases itself, and its values may be shorter than the received ones. */
#include <string.h>
#include <strings.h>

#include "server/http/http.h"

enum { LINE_END = 2 };

bool framing_is_checked_by_mhd(void)
{
    return MHD_get_version()[0] > '0'; /* "1.0.1" */
}

typedef struct framing {
    const char *at; /* where the next name must begin; NULL: MHD does not parse in place */
    int n_hosts, n_lengths, n_codings;
    bool chunked;    /* the coding is that one */
    const char *why; /* the first fault; NULL: none */
} framing;

static bool is_token(const char *text, size_t n)
{
    static const char others[] = "!#$%&'*+-.^_`|~"; /* RFC 9110, 5.6.2 */
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && (c == '\0' || !strchr(others, c))) return false;
    }
    return n > 0;
}

static bool is_name(const char *key, size_t n, const char *name)
{
    return n == strlen(name) && !strncasecmp(key, name, n);
}

static const char *fault_of(const framing *f, const char *key, size_t n_key, const char *value, size_t n)
{
    if (!is_token(key, n_key)) return "the name of a header has characters that are not allowed there";
    if (f->at && key != f->at) return "a header has a NUL byte, continues in a second line, or ends without CRLF";
    return value && memchr(value, '\r', n) ? "the value of a header has a CR" : NULL;
}

static enum MHD_Result count_field(void *cls, enum MHD_ValueKind kind, const char *key, size_t n_key, const char *value,
                                   size_t n)
{
    framing *f = cls;
    (void)kind;
    f->n_hosts += is_name(key, n_key, MHD_HTTP_HEADER_HOST);
    f->n_lengths += is_name(key, n_key, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (is_name(key, n_key, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
        f->n_codings++;
        f->chunked = value && is_name(value, n, "chunked");
    }
    if (!f->why) f->why = fault_of(f, key, n_key, value, n);
    if (f->at && value) f->at = value + n + LINE_END;
    return MHD_YES;
}

static bool refuse(exchange *x, int status, const char *why, api_error *e)
{
    x->last = true;
    return api_fail(e, status, status == 501 ? "not_implemented" : "malformed_request", NULL, "%s", why);
}

bool framing_check(exchange *x, const char *method, const char *version, api_error *e)
{
    const union MHD_ConnectionInfo *size = MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    bool in_place = !framing_is_checked_by_mhd() && size;
    bool is_1_0 = !strcmp(version, MHD_HTTP_VERSION_1_0);
    framing f = { .at = in_place ? version + strlen(version) + LINE_END : NULL };
    MHD_get_connection_values_n(x->conn, MHD_HEADER_KIND, count_field, &f);
    if (f.why) return refuse(x, 400, f.why, e);
    if (f.at && f.at + LINE_END != method + size->header_size)
        return refuse(x, 400, "lines of the headers cannot be read, or end without CRLF", e);
    if (in_place && version != x->version_at)
        return refuse(x, 400, "the first line is not METHOD PATH VERSION, with one space between", e);
    if (f.n_hosts > 1 || (f.n_hosts == 0 && !is_1_0))
        return refuse(x, 400, "the request must have exactly one header Host", e);
    if (f.n_lengths > 1) return refuse(x, 400, "the header Content-Length occurs more than once", e);
    if (f.n_codings > 0 && (f.n_lengths > 0 || is_1_0))
        return refuse(x, 400, "Transfer-Encoding is not allowed together with Content-Length, nor in HTTP/1.0", e);
    if (f.n_codings > 1 || (f.n_codings == 1 && !f.chunked))
        return refuse(x, 501, "the only supported Transfer-Encoding is 'chunked'", e);
    return true;
}
