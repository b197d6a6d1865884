/* fail_alloc.c - see fail_alloc.h.
 *
 * The dynamic linker looks for a name in the program first, so the functions below get the calls of all shared libraries as
 * well. Each calls the function of the same name that would have been found without it: a sanitizer's, or the C library's. */
#include "fail_alloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALL_AFTER = 1, OWN_AFTER = 2 }; /* values of and_after */

/* The numbers that a test writes and reads; of a server, in a file that both have mapped. */
typedef struct switches {
    _Atomic int64_t n_calls, fails_at, and_after;
} switches;

static switches own, *now = &own;
static bool shows_caller, only_own;

void fail_alloc_arm(int64_t n, bool all_after)
{
    atomic_store(&now->fails_at, 0);
    atomic_store(&now->n_calls, 0);
    atomic_store(&now->and_after, all_after);
    atomic_store(&now->fails_at, n);
}

int64_t fail_alloc_count(void)
{
    return atomic_load(&now->n_calls);
}

static void show_caller(void)
{
    void *frames[24];
    backtrace_symbols_fd(frames, backtrace(frames, 24), STDERR_FILENO);
}

/* Begin and end of the program's code, from the linker. */
extern const char __executable_start[], etext[];

static bool is_own(const void *caller)
{
    return (const char *)caller >= __executable_start && (const char *)caller < etext;
}

/* src/base/mem.h; not there in builds without assertions, nor in programs without this part of sumi. */
extern bool mem_is_forbidden(void) __attribute__((weak));
static bool is_ready; /* a sanitizer is not, in the first calls */

static void die_if_forbidden(void)
{
    static const char what[] = "an allocation in a forward pass:\n";
    if (!is_ready || !mem_is_forbidden || !mem_is_forbidden()) return;
    is_ready = false;
    if (write(STDERR_FILENO, what, sizeof what - 1) > 0) show_caller();
    abort();
}

static _Thread_local bool is_exempt;

static bool fails(const void *caller)
{
    if (is_exempt) return false;
    die_if_forbidden();
    if (only_own && !is_own(caller)) return false;
    int64_t n = atomic_fetch_add(&now->n_calls, 1) + 1, at = atomic_load(&now->fails_at),
            after = atomic_load(&now->and_after);
    if (!at || n < at || (n > at && !(after == ALL_AFTER || (after == OWN_AFTER && is_own(caller))))) return false;
    if (shows_caller) show_caller();
    errno = ENOMEM;
    return true;
}

/* ---- In place of the others' ---- */

#define NEW_ALLOC(result, name, parameters, arguments, failure)                                              \
    extern __typeof__(name) __interceptor_##name __attribute__((weak)); /* a sanitizer's, if there is one */ \
    __attribute__((visibility("default"))) result name parameters                                            \
    {                                                                                                        \
        static __typeof__(&name) real;                                                                       \
        if (!real) real = __interceptor_##name;                                                              \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                                           \
        return fails(__builtin_return_address(0)) ? failure : real arguments;                                \
    }

NEW_ALLOC(void *, malloc, (size_t n), (n), NULL)
NEW_ALLOC(void *, calloc, (size_t n, size_t size), (n, size), NULL)
NEW_ALLOC(void *, realloc, (void *p, size_t n), (p, n), NULL)
NEW_ALLOC(void *, aligned_alloc, (size_t align, size_t n), (align, n), NULL)
NEW_ALLOC(int, posix_memalign, (void **out, size_t align, size_t n), (out, align, n), ENOMEM)
NEW_ALLOC(char *, strdup, (const char *s), (s), NULL)
NEW_ALLOC(char *, strndup, (const char *s, size_t n), (s, n), NULL)
NEW_ALLOC(void *, mmap, (void *at, size_t n, int prot, int flags, int fd, off_t offset),
          (at, n, prot, flags, fd, offset), MAP_FAILED)
NEW_ALLOC(int, pthread_create, (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *x), (t, a, f, x),
          EAGAIN)

/* Sanitizers ask this in each new thread. Address sanitizer ends the program if there is no memory for it. Thread sanitizer
 * is not ready in the thread yet: it crashes if code that it instrumented runs, such as mem_is_forbidden(). */
__attribute__((visibility("default"))) int pthread_getattr_np(pthread_t t, pthread_attr_t *a)
{
    __typeof__(&pthread_getattr_np) real = dlsym(RTLD_NEXT, "pthread_getattr_np");
    is_exempt = true;
    int failed = real(t, a);
    is_exempt = false;
    return failed;
}

/* ---- Of a program ---- */

static void write_count(void)
{
    int64_t n = fail_alloc_count(); /* before fopen() adds its own */
    FILE *f = fopen(getenv("SUMI_COUNT_ALLOC"), "w");
    if (!f) return;
    fprintf(f, "%lld\n", (long long)n);
    fclose(f);
}

static void share_switches(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map = fd >= 0 ? mmap(NULL, sizeof *now, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) close(fd);
    if (map == MAP_FAILED) {
        fprintf(stderr, "SUMI_FAIL_SWITCHES: %s: %s\n", path, strerror(errno));
        _exit(2);
    }
    now = map;
}

__attribute__((constructor)) static void arm_from_environment(void)
{
    void *frame;
    const char *n = getenv("SUMI_FAIL_ALLOC");
    if (getenv("SUMI_COUNT_ALLOC")) atexit(write_count);
    only_own = getenv("SUMI_FAIL_OWN") != NULL;
    shows_caller = getenv("SUMI_FAIL_BACKTRACE") && backtrace(&frame, 1) > 0; /* loads its library now */
    fail_alloc_arm(n ? atoll(n) : 0, n && strchr(n, '+'));
    if (getenv("SUMI_FAIL_SWITCHES")) share_switches(getenv("SUMI_FAIL_SWITCHES"));
    is_ready = true;
}
