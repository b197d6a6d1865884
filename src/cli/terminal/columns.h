/* columns.h - the width of the terminal, and the columns that a text takes (Unicode East Asian Width). */
#ifndef SUMI_CLI_TERMINAL_COLUMNS_H
#define SUMI_CLI_TERMINAL_COLUMNS_H

#include <stddef.h>

enum { COLUMNS_USUAL = 80 };

/* Columns of the terminal on fd; `otherwise` if fd is no terminal or its width is unknown. */
int columns_of_terminal(int fd, int otherwise);

/* Columns of UTF-8 text [n]; combining marks take none, wide characters two. */
int columns_of_text(const char *text, size_t n);

/* Copies text to out, NUL-terminated, at most `columns` wide; a truncated text ends in "...". */
void columns_fit(char *out, size_t n_out, const char *text, int columns);

#endif
