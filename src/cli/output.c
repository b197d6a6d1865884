/* output.c - writes to standard output, with the error of a full disk or a closed pipe. See cli.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json_read.h"
#include "cli/cli.h"

sumi_status cli_write_stdout(const char *data, size_t n, sumi_error *err)
{
    if (fwrite(data, 1, n, stdout) == n && fflush(stdout) == 0) return SUMI_OK;
    return sumi_fail_errno(err, "standard output");
}

sumi_status cli_write_json(json_t *v, size_t flags, sumi_error *err)
{
    char *text = v && !json_lost() ? json_write(v, flags) : NULL;
    json_decref(v);
    if (!text) return sumi_fail(err, SUMI_ENOMEM, "out of memory for the JSON");
    bool ok = puts(text) >= 0 && fflush(stdout) == 0;
    free(text);
    return ok ? SUMI_OK : sumi_fail_errno(err, "standard output");
}
