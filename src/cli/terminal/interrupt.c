/* interrupt.c - see interrupt.h. */
#include "cli/terminal/interrupt.h"

#include <errno.h>
#include <poll.h>
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

/* SIGINT is held back but while poll waits: a press between the look at `presses` and the wait ends the wait. */
bool interrupt_wait_readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigprocmask(SIG_BLOCK, &block, &before);
    while (presses == 0 && ppoll(&p, 1, NULL, &before) < 0 && errno == EINTR) continue;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return presses == 0;
}

bool interrupt_pending(void)
{
    return presses > 0;
}

void interrupt_clear(void)
{
    presses = 0;
}
