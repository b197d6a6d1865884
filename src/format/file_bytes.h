/* file_bytes.h - a regular file that is read into an address range of its own length, on request. A byte has the same offset
 * in the range as in the file.
 *
 *   data   [####################|.........####.........................]    # fetched: a copy   . reserved, no memory
 *           head                          a tensor
 *
 * A mapped file is not safe: if somebody overwrites the file, the bytes change under the reader; if somebody truncates it,
 * reading the lost part ends the process (SIGBUS). A copy has neither problem. Memory of bytes that are no longer used is
 * given back. To touch bytes that were not fetched is a bug of the caller and gives SIGSEGV. At the end
 * file_bytes_finish_reading() checks that all bytes are of one version of the file, and closes the file.
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
    int fd;                   /* -1: closed by file_bytes_finish_reading() */
    struct timespec modified; /* when it was opened */
} file_bytes;

/* EIO: the file cannot be opened or read, or is not a regular file; EFORMAT: it is empty; ENOMEM. The error names the
 * file. */
SUMI_MUST_USE sumi_status file_bytes_open(file_bytes **out, const char *path, sumi_error *err);

/* Fetches the bytes at .. at + n - 1, inside the file. EIO: they cannot be read, for example because the file was
 * truncated; ENOMEM. */
SUMI_MUST_USE sumi_status file_bytes_fetch(file_bytes *f, size_t at, size_t n, sumi_error *err);

/* The same into dst. */
SUMI_MUST_USE sumi_status file_bytes_copy(file_bytes *f, size_t at, size_t n, void *dst, sumi_error *err);

/* Gives the memory of these bytes back; they may be fetched again. */
void file_bytes_release(file_bytes *f, size_t at, size_t n);

/* Ends fetching and closes the file. EIO: the file was changed since it was opened. */
SUMI_MUST_USE sumi_status file_bytes_finish_reading(file_bytes *f, sumi_error *err);

void file_bytes_close(file_bytes *f); /* gives all memory back. NULL is fine */

/* Reads a whole file of at most max bytes; free with free(). ELIMIT: the file is larger. */
SUMI_MUST_USE sumi_status file_bytes_read(const char *path, size_t max, void **data, size_t *n_bytes, sumi_error *err);

#endif
