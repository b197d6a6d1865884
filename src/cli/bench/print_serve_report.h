/* print_serve_report.h - the results of a load, for people: a table and charts over time. */
#ifndef SUMI_CLI_BENCH_PRINT_SERVE_REPORT_H
#define SUMI_CLI_BENCH_PRINT_SERVE_REPORT_H

#include "bench/serve_report.h"

/* False: out of memory; then nothing is printed. */
SUMI_MUST_USE bool print_serve_report(const serve_result *r);

#endif
