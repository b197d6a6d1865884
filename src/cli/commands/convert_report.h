/* convert_report.h - the report of `sumi convert` about the file that it wrote: type, size, bits per weight, and tensors
 * that got another type than requested. */
#ifndef SUMI_CLI_COMMANDS_CONVERT_REPORT_H
#define SUMI_CLI_COMMANDS_CONVERT_REPORT_H

#include "sumi.h"

/* Reads both files and prints the report: with json one object on one line, else a line or two on stdout and a warning on
 * stderr. type: the requested type; NULL: the tensors kept their types. */
SUMI_MUST_USE sumi_status convert_report(const char *in, const char *out, const char *type, bool json, sumi_error *err);

#endif
