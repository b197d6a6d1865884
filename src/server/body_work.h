/* body_work.h - an answer whose making takes long when the body is large: at once for small bodies, else by the pool of
 * work.h while the connection sleeps.
 *
 *   route's handler -> body_work_start() -- small body --> run(), answer()
 *                            '-- large: the connection sleeps -> run() on a thread of the pool -> it is woken -> answer() */
#ifndef SUMI_SERVER_BODY_WORK_H
#define SUMI_SERVER_BODY_WORK_H

#include "server/http.h"
#include "server/work.h"

/* Embedded first in what the handler needs for the answer. */
typedef struct body_work {
    work work;
    exchange *x;
    /* Maybe on another thread, while nothing else touches the exchange: reads it, may take its body. */
    void (*run)(struct body_work *b);
    enum MHD_Result (*answer)(struct body_work *b); /* on the connection's thread, after run(); destroy() follows */
    void (*destroy)(struct body_work *b);           /* frees b; also without run() */
    /* For body_work.c alone: */
    int fd;
    bool ran, gone; /* it has run; the client had left before */
} body_work;

/* Answers now or later. Takes b: NULL is 500, out of memory. */
enum MHD_Result body_work_start(exchange *x, body_work *b);

/* The connection was woken. */
enum MHD_Result body_work_go_on(exchange *x);

/* The request ends before it was answered. */
void body_work_drop(exchange *x);

#endif
