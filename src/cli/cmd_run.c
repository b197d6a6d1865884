/* cmd_run.c - sumi run */
#include "cli/cli.h"

int cmd_run(int argc, char **argv)
{
    (void)argc;
    return cli_fail("%s is not here yet", argv[0]);
}
