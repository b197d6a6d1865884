/* columns.h - what fits on a line of a terminal: its width, and the columns that text takes (Unicode East Asian Width). */
#ifndef SUMI_CLI_COLUMNS_H
#define SUMI_CLI_COLUMNS_H

#include <stddef.h>

enum { COLUMNS_USUAL = 80 };

/* Columns of the terminal on fd; `otherwise`, if it is none or does not say. */
int columns_of_terminal(int fd, int otherwise);

/* Columns of UTF-8 text [n]; combining marks take none, wide characters two. */
int columns_of_text(const char *text, size_t n);

/* Copies text to out, NUL-terminated, at most `columns` wide: a text that is cut ends in "...". */
void columns_fit(char *out, size_t n_out, const char *text, int columns);

#endif
