/* open_tokenizer.c - see open_tokenizer.h. */
#include "cli/open_tokenizer.h"

#include "cli/cli.h"
#include "hf/model_source_open.h"

sumi_status cli_open_tokenizer(open_tokenizer *o, const char *model, sumi_error *err)
{
    char path[4096];
    *o = (open_tokenizer){ 0 };
    sumi_status status = cli_find_model(model, path, sizeof path, err);
    if (!status) status = model_source_open(&o->source, path, NULL, err);
    if (!status) status = tokenizer_create(&o->tokenizer, o->source, err);
    return status;
}

void cli_close_tokenizer(open_tokenizer *o)
{
    tokenizer_destroy(o->tokenizer);
    if (o->source) model_source_close(o->source);
}
