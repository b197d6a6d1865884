/* body_work.h - an answer that takes long to make if the body is large. It is made at once for small bodies, else by the
 * pool of work.h while the connection is suspended.
 *
 *   route's handler -> body_work_start() -- small body --> run(), answer()
 *                            '-- large: the connection sleeps -> run() on a thread of the pool -> it is woken -> answer() */
#ifndef SUMI_SERVER_HTTP_BODY_WORK_H
#define SUMI_SERVER_HTTP_BODY_WORK_H

#include "server/http/http.h"
#include "server/http/work.h"

/* The first member of the handler's structure for the answer. */
typedef struct body_work {
    work work;
    exchange *x;
    /* Called maybe on another thread, while no other code uses the exchange: reads it, may take its body. */
    void (*run)(struct body_work *b);
    enum MHD_Result (*answer)(struct body_work *b); /* on the connection's thread, after run(); destroy() follows */
    void (*destroy)(struct body_work *b);           /* frees b; also without run() */
    /* For body_work.c alone: */
    int fd;
    bool ran, gone; /* run() was called; the client had disconnected before */
} body_work;

/* Answers now or later. Takes ownership of b; b NULL is 500, out of memory. */
enum MHD_Result body_work_start(exchange *x, body_work *b);

/* The connection was woken. */
enum MHD_Result body_work_go_on(exchange *x);

/* Frees the work of a request that ends before it was answered. */
void body_work_drop(exchange *x);

#endif
