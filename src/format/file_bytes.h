/* file_bytes.h - a regular file whose bytes come into memory of ours when they are asked for, at the places that they have in
 * the file.
 *
 *   data   [####################|.........####.........................]    # fetched: a copy   . reserved, no memory
 *           head                          a tensor
 *
 * A file that is mapped changes with the file: bytes that somebody overwrites in place change under the reader, and reading
 * what has been cut off ends the process (SIGBUS). A copy does neither. What is not used any more is given back, so that no
 * more than the bytes in use take memory; touching bytes that were not fetched is a mistake of the caller, and a SIGSEGV.
 * file_bytes_settle() at the end says whether all bytes are of one version of the file, and closes it.
 *
 * Threads: one at a time for all calls; any may read what was fetched. */
#ifndef SUMI_FORMAT_FILE_BYTES_H
#define SUMI_FORMAT_FILE_BYTES_H

#include <time.h>

#include "sumi.h"

typedef struct file_bytes {
    char *name;
    uint8_t *data; /* [n_bytes] */
    size_t n_bytes;
    int fd;                   /* -1: settled */
    struct timespec modified; /* when it was opened */
} file_bytes;

/* EIO: cannot be opened or read, is no regular file; EFORMAT: is empty; ENOMEM. The error names the file. */
SUMI_MUST_USE sumi_status file_bytes_open(file_bytes **out, const char *path, sumi_error *err);

/* Bytes at .. at + n - 1, inside the file. EIO: they cannot be read, as when the file has become shorter; ENOMEM. */
SUMI_MUST_USE sumi_status file_bytes_fetch(file_bytes *f, size_t at, size_t n, sumi_error *err);

/* The same into dst. */
SUMI_MUST_USE sumi_status file_bytes_copy(file_bytes *f, size_t at, size_t n, void *dst, sumi_error *err);

/* They are not read any more, unless they are fetched again. */
void file_bytes_release(file_bytes *f, size_t at, size_t n);

/* No more is fetched. EIO: the file was changed since it was opened. */
SUMI_MUST_USE sumi_status file_bytes_settle(file_bytes *f, sumi_error *err);

void file_bytes_close(file_bytes *f); /* gives all memory back. NULL is fine */

/* A whole file of at most max bytes in memory, to be freed with free(). ELIMIT: it has more. */
SUMI_MUST_USE sumi_status file_bytes_read(const char *path, size_t max, void **data, size_t *n_bytes,
                                          sumi_error *err);

#endif
