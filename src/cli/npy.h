/* npy.h - a float32 matrix as a numpy file (numpy.lib.format, version 1.0): the header; rows follow as they are. */
#ifndef SUMI_CLI_NPY_H
#define SUMI_CLI_NPY_H

#include <stdio.h>

#include "sumi.h"

/* Writes the header at the place of f. Its length does not depend on the numbers, so it may be written anew when the
 * rows are counted. False: as fwrite(). */
SUMI_MUST_USE bool npy_write_header(FILE *f, int64_t n_rows, int32_t n_cols);

#endif
