/* text_file.h - reads text files of editors: removes a byte order mark, and changes "\r\n" to "\n". */
#ifndef SUMI_CLI_TEXT_FILE_H
#define SUMI_CLI_TEXT_FILE_H

#include "sumi.h"

/* As cli_read_file(), but removes a byte order mark at the start (U+FEFF in UTF-8) and changes "\r\n" to "\n". For
 * prompts, texts, templates and JSON. Not for `tokenize`, whose ids stand for the exact bytes. */
SUMI_MUST_USE sumi_status cli_read_text(const char *path, size_t max_bytes, char **text, size_t *n_bytes,
                                        sumi_error *err);

/* Bytes of the byte order mark at the start of text: 3 or 0. */
size_t text_bom_bytes(const char *text, size_t n);

#endif
