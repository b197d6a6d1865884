/* open_tokenizer.h - shared by tokenize and detokenize: opens a model file for its vocabulary only, writes output. */
#ifndef SUMI_CLI_OPEN_TOKENIZER_H
#define SUMI_CLI_OPEN_TOKENIZER_H

#include "text/tokenizer.h"

typedef struct open_tokenizer {
    gguf *file;
    tokenizer *tokenizer;
} open_tokenizer;

/* model as users write it, see cli_find_model(). Close with cli_close_tokenizer(), also after a failure. */
SUMI_MUST_USE sumi_status cli_open_tokenizer(open_tokenizer *o, const char *model, sumi_error *err);
void cli_close_tokenizer(open_tokenizer *o);

/* Writes all bytes to standard output. SUMI_EIO: a full disk, a closed pipe. */
SUMI_MUST_USE sumi_status cli_write_stdout(const char *data, size_t n_bytes, sumi_error *err);

#endif
