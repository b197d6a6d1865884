/* line_input.h - reads messages typed at a prompt, with line editing and a saved history (libedit). */
#ifndef SUMI_CLI_TERMINAL_LINE_INPUT_H
#define SUMI_CLI_TERMINAL_LINE_INPUT_H

#include "base/buf.h"
#include "sumi.h"

typedef struct line_input line_input;

enum { MAX_MESSAGE_BYTES = 1 << 24 };

/* Reads from the terminal on stdin. The history is $XDG_STATE_HOME/sumi/history (~/.local/state if the variable is not
 * set); if this file cannot be used, the history lasts as long as the program. */
SUMI_MUST_USE sumi_status line_input_create(line_input **out, sumi_error *err);

/* Tab completes the first word of a line to one of these: word(i) is the i-th, NULL after the last one. */
void line_input_set_words(line_input *in, const char *(*word)(size_t i));
void line_input_destroy(line_input *in); /* saves the history; NULL is fine */

typedef enum line_result { LINE_READ, LINE_INTERRUPTED, LINE_END } line_result;

/* Reads one message without its final newline: a line; lines joined by backslashes at their ends; the lines between two
 * lines of """; or a pasted text of many lines and the text typed after it. LINE_INTERRUPTED: Ctrl-C. LINE_END: Ctrl-D, or
 * the terminal was closed. */
line_result line_input_read(line_input *in, buf *message);

#endif
