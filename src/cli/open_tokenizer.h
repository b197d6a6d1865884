/* open_tokenizer.h - shared by tokenize and detokenize: opens a model file for its vocabulary only. */
#ifndef SUMI_CLI_OPEN_TOKENIZER_H
#define SUMI_CLI_OPEN_TOKENIZER_H

#include "text/tokenizer.h"

typedef struct open_tokenizer {
    model_source *source;
    tokenizer *tokenizer;
} open_tokenizer;

/* model as users write it, see cli_find_model(). Close with cli_close_tokenizer(), also after a failure. */
SUMI_MUST_USE sumi_status cli_open_tokenizer(open_tokenizer *o, const char *model, sumi_error *err);
void cli_close_tokenizer(open_tokenizer *o);

#endif
