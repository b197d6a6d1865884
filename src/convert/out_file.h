/* out_file.h - a file that is there when it is complete, or not at all.
 *
 * It is written under another name beside its place, and renamed at the end. */
#ifndef SUMI_CONVERT_OUT_FILE_H
#define SUMI_CONVERT_OUT_FILE_H

#include "sumi.h"

typedef struct out_file {
    char *path, *partial; /* its place; its name until it is there, NULL: there is none to remove */
    int fd;
    bool overwrite;
} out_file;

/* Reserves n_bytes on the disk where the file system can. EIO: the file cannot be created, is there already and must not be
 * overwritten, or the disk is full; the error names it. */
SUMI_MUST_USE sumi_status out_file_open(out_file *f, const char *path, bool overwrite, uint64_t n_bytes,
                                        sumi_error *err);

SUMI_MUST_USE sumi_status out_file_write(out_file *f, uint64_t at, const void *data, size_t n,
                                         sumi_error *err);

/* Makes it n_bytes long: what was not written is zero. */
SUMI_MUST_USE sumi_status out_file_pad(out_file *f, uint64_t n_bytes, sumi_error *err);

/* Moves the complete file to its place. */
SUMI_MUST_USE sumi_status out_file_finish(out_file *f, sumi_error *err);

/* Removes what is not finished. After out_file_open(), also when it failed, and after out_file_finish(). */
void out_file_deinit(out_file *f);

#endif
