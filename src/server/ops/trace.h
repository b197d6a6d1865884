/* trace.h - the header `traceparent`, which identifies a request across several programs.
 *
 * Source: W3C Trace Context, section 3.2.  version "-" trace-id "-" parent-id "-" flags, in lower-case hex:
 *   00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 */
#ifndef SUMI_SERVER_OPS_TRACE_H
#define SUMI_SERVER_OPS_TRACE_H

#include <stdbool.h>

enum { TRACE_ID_BYTES = 32, TRACE_PARENT_BYTES = 55 };

typedef struct trace {
    char id[TRACE_ID_BYTES + 1];         /* "" if there is none */
    char parent[TRACE_PARENT_BYTES + 1]; /* the whole header, as version 00 */
} trace;

/* text: the header, NULL if it was not sent. False: there is no header, or it is invalid; *t is then empty. Of a later
 * version the fields of version 00 are read, as the specification requires. */
bool trace_read(trace *t, const char *text);

#endif
