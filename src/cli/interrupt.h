/* interrupt.h - Ctrl-C stops an answer, not the program.
 *
 * This is the only mutable global of the program, because a signal handler has no argument. */
#ifndef SUMI_CLI_INTERRUPT_H
#define SUMI_CLI_INTERRUPT_H

#include <stdbool.h>

void interrupt_install(void);  /* from now on SIGINT is counted; waiting reads return EINTR */
bool interrupt_pending(void);  /* Ctrl-C was pressed since interrupt_clear() */
void interrupt_clear(void);

#endif
