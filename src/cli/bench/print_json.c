/* print_json.c - the results of a measurement as one JSON object. */
#include <stdio.h>

#include "cli/bench/bench.h"

void bench_print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(object);
}
