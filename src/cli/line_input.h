/* line_input.h - messages typed at a prompt, with line editing and a history that survives (libedit). */
#ifndef SUMI_CLI_LINE_INPUT_H
#define SUMI_CLI_LINE_INPUT_H

#include "base/buf.h"
#include "sumi.h"

typedef struct line_input line_input;

enum { MAX_MESSAGE_BYTES = 1 << 24 };

/* Reads from the terminal on stdin. The history is $XDG_STATE_HOME/sumi/history (~/.local/state if that is not set);
 * without it the history lasts as long as the program. */
SUMI_MUST_USE sumi_status line_input_create(line_input **out, sumi_error *err);

/* Tab completes the first word of a line to one of these: word(i) is the i-th, NULL after the last one. */
void line_input_set_words(line_input *in, const char *(*word)(size_t i));
void line_input_destroy(line_input *in); /* saves the history; NULL is fine */

typedef enum line_result { LINE_READ, LINE_INTERRUPTED, LINE_END } line_result;

/* One message: a line; lines joined while they end in a backslash; everything between two lines of """; or a text of many
 * lines that was pasted, with what is typed behind it. Without the final newline. LINE_INTERRUPTED: Ctrl-C. LINE_END: Ctrl-D,
 * or the terminal is gone. */
line_result line_input_read(line_input *in, buf *message);

#endif
