/* embedded.h - files that the build has put into the program (cmake/embed.cmake). */
#ifndef SUMI_SERVER_EMBEDDED_H
#define SUMI_SERVER_EMBEDDED_H

#include <stddef.h>

typedef struct embedded_file {
    const char *name; /* without folder; NULL: the end of the list */
    const unsigned char *data;
    size_t n_bytes;
} embedded_file;

extern const embedded_file web_files[];     /* src/server/web */
extern const embedded_file openapi_files[]; /* openapi.json */

#endif
