/* web.c - GET / and /web/NAME: the web page, which uses the same endpoints as every other client.
 *
 * Its files need no key, so that the page can ask for one: they are built into the program and contain no data of the
 * server. The requested name is compared with the names of the files and never becomes a path.
 *
 * The policy (Content Security Policy Level 3) allows only scripts and content of this server: if a model's text ever
 * became markup, it could neither run nor send requests to other servers. */
#include <string.h>

#include "server/embedded.h"
#include "server/http/endpoints.h"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                             "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const char *type_of(const char *name)
{
    static const char *const types[][2] = { { ".html", "text/html; charset=utf-8" },
                                            { ".css", "text/css; charset=utf-8" },
                                            { ".js", "text/javascript; charset=utf-8" },
                                            { ".svg", "image/svg+xml" } };
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof types / sizeof *types; i++)
        if (!strcmp(ending, types[i][0])) return types[i][1];
    return "application/octet-stream";
}

static enum MHD_Result send_file(exchange *x, const embedded_file *f)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(f->n_bytes, (void *)(uintptr_t)f->data,
                                                             MHD_RESPMEM_PERSISTENT);
    r = http_with(r, MHD_HTTP_HEADER_CONTENT_TYPE, type_of(f->name));
    r = http_with(r, "Content-Security-Policy", policy);
    r = http_with(r, "Referrer-Policy", "no-referrer");
    r = http_with(r, "Cross-Origin-Opener-Policy", "same-origin");
    return http_send(x, 200, r);
}

static enum MHD_Result send_named(exchange *x, const char *name)
{
    api_error e;
    for (const embedded_file *f = web_files; !x->server->opts.no_web && f->name; f++)
        if (!strcmp(f->name, name)) return send_file(x, f);
    api_fail(&e, 404, "not_found", NULL, "there is no such path");
    return http_error(x, &e);
}

/* Without the page / still answers: clients use it to check whether the server runs. */
enum MHD_Result get_page(exchange *x)
{
    buf out;
    if (!x->server->opts.no_web) return send_named(x, "index.html");
    buf_init(&out, 64);
    buf_append_str(&out, "sumi is running\n");
    return http_reply_buf(x, 200, "text/plain; charset=utf-8", &out);
}

enum MHD_Result get_web_file(exchange *x)
{
    return send_named(x, x->rest);
}
