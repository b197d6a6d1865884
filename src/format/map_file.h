/* map_file.h - a whole regular file, mapped read-only. */
#ifndef SUMI_FORMAT_MAP_FILE_H
#define SUMI_FORMAT_MAP_FILE_H

#include "sumi.h"

/* *data is given back with munmap(). EIO: cannot be opened or mapped, or is no regular file; EFORMAT: is empty. The error
 * names the file. */
SUMI_MUST_USE sumi_status map_file(const char *path, void **data, size_t *n_bytes, sumi_error *err);

/* The end of a long path says more than its beginning, and what is wrong must fit into the line too. */
const char *map_short_name(const char *path);

#endif
