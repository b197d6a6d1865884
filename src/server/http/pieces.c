/* pieces.c - see pieces.h. */
#include "server/http/pieces.h"

#include <string.h>

enum { STREAM_BYTES = 16 << 10 };

static void free_pieces(void *cls)
{
    pieces *p = cls;
    buf_deinit(&p->out);
    p->destroy(p);
}

static ssize_t read_pieces(void *cls, uint64_t pos, char *to, size_t max)
{
    pieces *p = cls;
    (void)pos;
    if (p->sent == p->out.n) {
        p->sent = p->out.n = 0;
        while (p->out.n < max && p->out.status == SUMI_OK && p->write(p, &p->out)) continue;
        if (p->out.status != SUMI_OK) return MHD_CONTENT_READER_END_WITH_ERROR;
        if (p->out.n == 0) return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t n = p->out.n - p->sent < max ? p->out.n - p->sent : max;
    memcpy(to, p->out.data + p->sent, n);
    p->sent += n;
    return (ssize_t)n;
}

enum MHD_Result pieces_reply(exchange *x, pieces *p, bool stream)
{
    buf_init(&p->out, SIZE_MAX);
    p->sent = 0;
    if (!stream) {
        while (p->write(p, &p->out)) continue;
        enum MHD_Result result = http_reply_buf(x, 200, "application/json", &p->out);
        free_pieces(p);
        return result;
    }
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BYTES, read_pieces, p,
                                                               free_pieces);
    if (!r) free_pieces(p);
    return http_send(x, 200, http_with(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json"));
}
