/* open_tokenizer.c - see open_tokenizer.h. */
#include "cli/open_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json_read.h"
#include "cli/cli.h"
#include "hf/model_file.h"

sumi_status cli_open_tokenizer(open_tokenizer *o, const char *model, sumi_error *err)
{
    char path[4096];
    *o = (open_tokenizer){ 0 };
    sumi_status status = cli_find_model(model, path, sizeof path, err);
    if (!status) status = model_file_open(&o->file, path, NULL, err);
    if (!status) status = tokenizer_create(&o->tokenizer, o->file, err);
    return status;
}

void cli_close_tokenizer(open_tokenizer *o)
{
    tokenizer_destroy(o->tokenizer);
    if (o->file) gguf_close(o->file);
}

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
