/* cmd_info.c - sumi info */
#include "cli/cli.h"

int cmd_info(int argc, char **argv)
{
    (void)argc;
    return cli_fail("%s is not here yet", argv[0]);
}
