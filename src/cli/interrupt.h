/* interrupt.h - Ctrl-C stops an answer, not the program.
 *
 * The one mutable global of the program: a signal handler can reach nothing else. */
#ifndef SUMI_CLI_INTERRUPT_H
#define SUMI_CLI_INTERRUPT_H

#include <stdbool.h>

void interrupt_install(void);  /* from now on SIGINT is counted; reads that wait return EINTR */
bool interrupt_pending(void);  /* Ctrl-C was pressed since interrupt_clear() */
void interrupt_clear(void);

#endif
