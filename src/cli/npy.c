/* npy.c - see npy.h. Magic, version, length, a Python dictionary padded with spaces so that the data starts at a multiple
 * of 64. How many rows there are is known at the end, so the header is written last, into the room that was left for it. */
#include "cli/npy.h"

#include <stdio.h>
#include <string.h>

enum { HEAD = 10, DICT = 118 };

sumi_status npy_open(npy *n, const char *path, int32_t n_cols, sumi_error *err)
{
    *n = (npy){ .n_cols = n_cols };
    return new_file_open(&n->file, path, NEW_FILE_OVERWRITE | NEW_FILE_SPECIAL, 0, err);
}

sumi_status npy_write(npy *n, const float *rows, int64_t n_rows, sumi_error *err)
{
    uint64_t row = (uint64_t)n->n_cols * sizeof *rows, at = HEAD + DICT + (uint64_t)n->n_rows * row;
    n->n_rows += n_rows;
    return new_file_write(&n->file, at, rows, (size_t)n_rows * row, err);
}

sumi_status npy_finish(npy *n, sumi_error *err)
{
    char head[HEAD + DICT + 1] = { '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, DICT, 0 };
    int used = snprintf(head + HEAD, DICT, "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %d), }",
                        (long long)n->n_rows, n->n_cols);
    memset(head + HEAD + used, ' ', DICT - (size_t)used);
    head[HEAD + DICT - 1] = '\n';
    sumi_status st = new_file_write(&n->file, 0, head, HEAD + DICT, err);
    return st == SUMI_OK ? new_file_finish(&n->file, err) : st;
}

void npy_close(npy *n)
{
    new_file_deinit(&n->file);
}
