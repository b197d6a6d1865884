/* pieces.h - an answer that is made while the client reads it, so that it takes the same memory however long it is. */
#ifndef SUMI_SERVER_HTTP_PIECES_H
#define SUMI_SERVER_HTTP_PIECES_H

#include "server/http/http.h"

/* For answers about tokens: the number of tokens in a piece; an answer of more than WHOLE_IDS tokens is streamed. */
enum { PIECE_IDS = 64, WHOLE_IDS = 4096 };

/* Embedded first in what the text is made of. */
typedef struct pieces {
    bool (*write)(struct pieces *p, buf *out); /* appends the next piece to out; false: the answer is complete */
    void (*destroy)(struct pieces *p);         /* frees p */
    /* For pieces.c alone: */
    buf out; /* what the client has not got yet, from `sent` on */
    size_t sent;
} pieces;

/* Answers with 200 and JSON: with all pieces at once, or, under stream, with each when the client has read those before.
 * Takes p. */
enum MHD_Result pieces_reply(exchange *x, pieces *p, bool stream);

#endif
