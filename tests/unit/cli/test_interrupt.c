/* test_interrupt.c - waiting for input ends by Ctrl-C and by a resize, whenever the signal comes. */
#include "cli/terminal/interrupt.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "test_support.h"

enum { ROUNDS = 5000 };

static volatile sig_atomic_t resized;
static sem_t begun;
static pthread_t waiter;

static void on_sigwinch(int signal_number)
{
    (void)signal_number;
    resized = 1;
}

/* Sends each signal while the other thread begins to wait: before its check of the flags, after the check, or in the wait. */
static void *send_signals(void *number)
{
    for (int i = 0; i < ROUNDS; i++) {
        while (sem_wait(&begun) != 0) {}
        pthread_kill(waiter, *(int *)number);
    }
    return NULL;
}

static void no_signal_is_lost(int number, interrupt_wait want)
{
    int fds[2];
    pthread_t sender;
    waiter = pthread_self();
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(sem_init(&begun, 0, 0), 0);
    assert_int_equal(pthread_create(&sender, NULL, send_signals, &number), 0);
    for (int i = 0; i < ROUNDS; i++) {
        sem_post(&begun);
        interrupt_wait found = interrupt_wait_readable(fds[0], &resized);
        if (found != want) fail_msg("round %d: %d", i, found);
        resized = 0;
        interrupt_clear();
    }
    pthread_join(sender, NULL);
    sem_destroy(&begun);
    close(fds[0]);
    close(fds[1]);
}

static void a_wait_ends_by_a_resize_at_any_time(void **state)
{
    (void)state;
    struct sigaction action = { .sa_handler = on_sigwinch };
    sigaction(SIGWINCH, &action, NULL);
    no_signal_is_lost(SIGWINCH, INTERRUPT_RESIZED);
    signal(SIGWINCH, SIG_DFL);
}

static void a_wait_ends_by_ctrl_c_at_any_time(void **state)
{
    (void)state;
    interrupt_install();
    no_signal_is_lost(SIGINT, INTERRUPT_PRESSED);
    signal(SIGINT, SIG_DFL);
}

static void input_ends_a_wait(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(interrupt_wait_readable(fds[0], NULL), INTERRUPT_READABLE);
    resized = 1;
    assert_int_equal(interrupt_wait_readable(fds[0], &resized), INTERRUPT_RESIZED);
    resized = 0;
    assert_int_equal(interrupt_wait_readable(fds[0], &resized), INTERRUPT_READABLE);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_ends_a_wait),
        cmocka_unit_test(a_wait_ends_by_a_resize_at_any_time),
        cmocka_unit_test(a_wait_ends_by_ctrl_c_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
