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
void line_input_destroy(line_input *in); /* saves the history; NULL is fine */

typedef enum line_result { LINE_READ, LINE_INTERRUPTED, LINE_END } line_result;

/* One message: a line; lines joined while they end in a backslash; or everything between two lines of """. Without
 * the final newline. LINE_INTERRUPTED: Ctrl-C. LINE_END: Ctrl-D, or the terminal is gone. */
line_result line_input_read(line_input *in, buf *message);

#endif
