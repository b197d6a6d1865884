/* cmd_bench.c - sumi bench */
#include "cli/cli.h"

int cmd_bench(int argc, char **argv)
{
    (void)argc;
    return cli_fail("%s is not here yet", argv[0]);
}
