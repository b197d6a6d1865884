/* fail_alloc.h - the n-th allocation of sumi's own code fails, for tests of what then happens.
 *
 * A program that is linked with FAIL_ALLOC_OPTIONS (tests/CMakeLists.txt) calls these in place of malloc, calloc, realloc,
 * aligned_alloc, strdup, strndup, asprintf, mmap and pthread_create. Calls from shared libraries (jansson, libmicrohttpd,
 * the C library itself) are not replaced. In a program, SUMI_FAIL_ALLOC=N fails allocation N from the start on, N+ that one
 * and all after it, and with SUMI_COUNT_ALLOC=FILE their number is written there at exit.
 *
 * SUMI_FAIL_SWITCHES=FILE is for a program that goes on, a server. It maps FILE, three int64_t that a test has mapped too and
 * writes: how many allocations there were, the number of the one that fails (0: none), and 1 if those after it fail as well.
 * The allocations of jansson count then. */
#ifndef TEST_FAIL_ALLOC_H
#define TEST_FAIL_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* Counts from 0 again; allocation number n (1, 2, ...) will fail, and if all_after those after it. 0: none. */
void fail_alloc_arm(int64_t n, bool all_after);
int64_t fail_alloc_count(void); /* allocations since then */

#endif
