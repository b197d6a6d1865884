/* cmd_logits.c - sumi logits */
#include "cli/cli.h"

int cmd_logits(int argc, char **argv)
{
    (void)argc;
    return cli_fail("%s is not here yet", argv[0]);
}
