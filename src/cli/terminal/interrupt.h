/* interrupt.h - Ctrl-C stops an answer, not the program.
 *
 * The number of presses is a mutable global, because a signal handler has no argument. */
#ifndef SUMI_CLI_TERMINAL_INTERRUPT_H
#define SUMI_CLI_TERMINAL_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

void interrupt_install(void); /* from now on SIGINT is counted; reads that wait return EINTR */

typedef enum interrupt_wait { INTERRUPT_READABLE, INTERRUPT_PRESSED, INTERRUPT_RESIZED } interrupt_wait;

/* Waits until fd can be read, Ctrl-C was pressed, or a handler of SIGWINCH has set *resized (NULL: none). A signal before the
 * call counts, too, so that no signal is lost between two reads. */
interrupt_wait interrupt_wait_readable(int fd, const volatile sig_atomic_t *resized);

bool interrupt_pending(void); /* Ctrl-C was pressed since interrupt_clear() */
void interrupt_clear(void);

#endif
