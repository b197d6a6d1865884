/* special_file.h - files that are written as they are: devices, pipes, and what this process has open as /dev/stdout.
 *
 * None of them can be replaced by a new file, and most have no positions: bytes come in order. */
#ifndef SUMI_BASE_OS_SPECIAL_FILE_H
#define SUMI_BASE_OS_SPECIAL_FILE_H

#include <stdbool.h>

/* Whether path is a character device, a FIFO, or a name of an open descriptor: /dev/stdout, /dev/fd/1, /proc/self/fd/1. */
bool special_file_is(const char *path);

/* Opens for writing; for a descriptor, a duplicate, so that writing continues at its position. Waits for a FIFO's reader.
 * -1: errno says why not. */
int special_file_open(const char *path);

/* Whether bytes can be written to any position, as to /dev/null. */
bool special_file_has_positions(int fd);

/* A file without a name, which is gone when it is closed; -1: errno. */
int special_file_spool(void);

/* All bytes of `from`, from its beginning, to `to`. False: errno. */
bool special_file_copy(int from, int to);

#endif
