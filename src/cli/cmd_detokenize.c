/* cmd_detokenize.c - sumi detokenize */
#include "cli/cli.h"

int cmd_detokenize(int argc, char **argv)
{
    (void)argc;
    return cli_fail("%s is not here yet", argv[0]);
}
