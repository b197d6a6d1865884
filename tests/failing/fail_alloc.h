/* fail_alloc.h - the n-th allocation of a program fails, for tests of what then happens.
 *
 * A program that is linked with fail_alloc.c (can_fail() in tests/CMakeLists.txt) has its own malloc, calloc, realloc,
 * aligned_alloc, posix_memalign, strdup, strndup, mmap and pthread_create. They serve all callers: sumi's code, the shared
 * libraries (jansson, libmicrohttpd, PCRE2, libcurl) and the C library itself (fopen, asprintf, getline).
 *
 * In builds with assertions they abort if they are called in a forward pass (mem_forbid() of src/base/mem.h).
 *
 * Of a program: SUMI_FAIL_ALLOC=N fails allocation N from the start on; N+ that one and all after it. With
 * SUMI_COUNT_ALLOC=FILE the number of allocations is written there at exit. SUMI_FAIL_BACKTRACE=1 writes to stderr who made
 * the allocation that failed: a help for finding a fault. SUMI_FAIL_OWN=1 counts and fails only the program's own (those of
 * jansson are among them, base/json_read.c), for a program with a library that does not bear it, as libedit.
 *
 * Of a program that goes on, a server: SUMI_FAIL_SWITCHES=FILE maps FILE, three int64_t that a test has mapped, too, and
 * writes: how many allocations there were, the number of the one that fails (0: none), and 1 if those after it fail as well,
 * 2 if of those after it only the program's own fail, not those of libmicrohttpd, which without memory cannot even wait for
 * its connections. */
#ifndef TEST_FAIL_ALLOC_H
#define TEST_FAIL_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* Counts from 0 again; allocation number n (1, 2, ...) will fail, and if all_after those after it. 0: none. */
void fail_alloc_arm(int64_t n, bool all_after);
int64_t fail_alloc_count(void); /* allocations since then */

#endif
