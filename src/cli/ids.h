/* ids.h - parses lists of numbers: "1 2 3", "1,8,32". */
#ifndef SUMI_CLI_IDS_H
#define SUMI_CLI_IDS_H

#include "sumi.h"

/* Numbers from low to high, separated by spaces, commas or newlines. *out is freed with free(). SUMI_EINVAL: text has
 * something else, which err names. */
SUMI_MUST_USE sumi_status cli_parse_ids(const char *text, int32_t low, int32_t high, int32_t **out, int32_t *n,
                                        sumi_error *err);

#endif
