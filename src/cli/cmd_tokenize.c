/* cmd_tokenize.c - sumi tokenize */
#include "cli/cli.h"

int cmd_tokenize(int argc, char **argv)
{
    (void)argc;
    return cli_fail("%s is not here yet", argv[0]);
}
