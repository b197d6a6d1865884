/* secret_file.h - files that decide who may send requests: keys, certificates. */
#ifndef SUMI_SERVER_OPS_SECRET_FILE_H
#define SUMI_SERVER_OPS_SECRET_FILE_H

#include "base/buf.h"

/* Appends the file at path to out. EIO: the file cannot be read, or is larger than out may be; EINVAL: every user of this
 * machine may write to it. */
SUMI_MUST_USE sumi_status secret_file_read(buf *out, const char *path, sumi_error *err);

#endif
