/* interrupt.c - see interrupt.h. */
#include "cli/interrupt.h"

#include <signal.h>

enum { PATIENCE = 3 }; /* so many presses without an effect end the program after all */

static volatile sig_atomic_t presses;

static void on_sigint(int signal_number)
{
    if (++presses < PATIENCE) return;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void interrupt_install(void)
{
    struct sigaction action = { .sa_handler = on_sigint }; /* without SA_RESTART: a waiting read() returns */
    sigaction(SIGINT, &action, NULL);
}

bool interrupt_pending(void)
{
    return presses > 0;
}

void interrupt_clear(void)
{
    presses = 0;
}
