/* npy.h - NumPy's file format, of float32 matrices [rows, columns]: numpy.load() reads it.
 *
 * The file appears when it is complete, or not at all (base/os/new_file.h); an older file stays until then. A device or a pipe
 * receives the bytes when they are complete. */
#ifndef SUMI_CLI_NPY_H
#define SUMI_CLI_NPY_H

#include "base/os/new_file.h"

typedef struct npy {
    new_file file;
    int64_t n_rows; /* written */
    int32_t n_cols;
} npy;

/* Always followed by npy_close(). EIO names the file. */
SUMI_MUST_USE sumi_status npy_open(npy *n, const char *path, int32_t n_cols, sumi_error *err);
SUMI_MUST_USE sumi_status npy_write(npy *n, const float *rows, int64_t n_rows, sumi_error *err); /* [n_rows, n_cols] */
SUMI_MUST_USE sumi_status npy_finish(npy *n, sumi_error *err); /* writes the header, and renames the file to its final
                                                                  path */
void npy_close(npy *n);                                        /* removes an unfinished file */

#endif
