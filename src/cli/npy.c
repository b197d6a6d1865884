/* npy.c - see npy.h. Magic, version, length, a Python dictionary padded with spaces so that the data starts at a multiple
 * of 64. */
#include "cli/npy.h"

#include <string.h>

bool npy_write_header(FILE *f, int64_t n_rows, int32_t n_cols)
{
    char dict[118];
    int n = snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %d), }",
                     (long long)n_rows, n_cols);
    memset(dict + n, ' ', sizeof dict - (size_t)n);
    dict[sizeof dict - 1] = '\n';
    const unsigned char head[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, sizeof dict, 0 };
    return fwrite(head, 1, sizeof head, f) == sizeof head && fwrite(dict, 1, sizeof dict, f) == sizeof dict;
}
