/* cmd_eval.c - sumi eval */
#include "cli/cli.h"

int cmd_eval(int argc, char **argv)
{
    (void)argc;
    return cli_fail("%s is not here yet", argv[0]);
}
