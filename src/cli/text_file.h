/* text_file.h - text as people's editors write it, which is not all text: a byte order mark, lines that end in "\r\n". */
#ifndef SUMI_CLI_TEXT_FILE_H
#define SUMI_CLI_TEXT_FILE_H

#include "sumi.h"

/* cli_read_file(), without a byte order mark at the start (U+FEFF in UTF-8) and with "\n" where "\r\n" stood. For
 * prompts, texts, templates and JSON. Not for `tokenize`, whose ids stand for the very bytes. */
SUMI_MUST_USE sumi_status cli_read_text(const char *path, size_t max_bytes, char **text, size_t *n_bytes,
                                        sumi_error *err);

/* How many bytes the byte order mark at the start of text has: 3 or 0. */
size_t text_bom_bytes(const char *text, size_t n);

#endif
