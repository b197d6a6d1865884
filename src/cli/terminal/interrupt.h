/* interrupt.h - Ctrl-C stops an answer, not the program.
 *
 * This is the only mutable global of the program, because a signal handler has no argument. */
#ifndef SUMI_CLI_TERMINAL_INTERRUPT_H
#define SUMI_CLI_TERMINAL_INTERRUPT_H

#include <stdbool.h>

void interrupt_install(void);  /* from now on SIGINT is counted; reads that wait return EINTR */
/* Waits until fd can be read; false: Ctrl-C was pressed, also before the call, so that no press is lost between two reads. */
bool interrupt_wait_readable(int fd);
bool interrupt_pending(void);  /* Ctrl-C was pressed since interrupt_clear() */
void interrupt_clear(void);

#endif
