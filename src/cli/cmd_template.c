/* cmd_template.c - sumi template */
#include "cli/cli.h"

int cmd_template(int argc, char **argv)
{
    (void)argc;
    return cli_fail("%s is not here yet", argv[0]);
}
