/* convert_report.h - what `sumi convert` tells of the file that it wrote: type, size, bits per weight, and where a tensor
 * got another type than was asked for. */
#ifndef SUMI_CLI_CONVERT_REPORT_H
#define SUMI_CLI_CONVERT_REPORT_H

#include "sumi.h"

/* Looks into both files and prints, with json one object on one line, else a line or two on stdout and a warning on stderr.
 * type: what was asked for; NULL: the tensors kept their types. */
SUMI_MUST_USE sumi_status convert_report(const char *in, const char *out, const char *type, bool json, sumi_error *err);

#endif
