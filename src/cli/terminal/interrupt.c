/* interrupt.c - see interrupt.h. */
#include "cli/terminal/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

enum { PATIENCE = 3 }; /* this many presses without an effect end the program */

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

/* The signals are blocked except while ppoll() waits: a signal between the check of the flags and the wait ends the wait. */
interrupt_wait interrupt_wait_readable(int fd, const volatile sig_atomic_t *resized)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGWINCH);
    sigprocmask(SIG_BLOCK, &block, &before);
    while (presses == 0 && !(resized && *resized) && ppoll(&p, 1, NULL, &before) < 0 && errno == EINTR) continue;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return presses > 0 ? INTERRUPT_PRESSED : resized && *resized ? INTERRUPT_RESIZED : INTERRUPT_READABLE;
}

bool interrupt_pending(void)
{
    return presses > 0;
}

void interrupt_clear(void)
{
    presses = 0;
}
