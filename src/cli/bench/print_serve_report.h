/* print_serve_report.h - the results of a load, for people: a table and charts over time. */
#ifndef SUMI_CLI_BENCH_PRINT_SERVE_REPORT_H
#define SUMI_CLI_BENCH_PRINT_SERVE_REPORT_H

#include "bench/serve_report.h"

void print_serve_report(const serve_result *r);

#endif
