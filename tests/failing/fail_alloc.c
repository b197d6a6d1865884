/* fail_alloc.c - see fail_alloc.h. */
#include "fail_alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static _Atomic int64_t n_calls, fails_at;
static _Atomic bool and_after;

void fail_alloc_arm(int64_t n, bool all_after)
{
    atomic_store(&fails_at, 0);
    atomic_store(&n_calls, 0);
    atomic_store(&and_after, all_after);
    atomic_store(&fails_at, n);
}

int64_t fail_alloc_count(void)
{
    return atomic_load(&n_calls);
}

static bool fails(void)
{
    int64_t n = atomic_fetch_add(&n_calls, 1) + 1, at = atomic_load(&fails_at);
    if (!at || n < at || (n > at && !atomic_load(&and_after))) return false;
    errno = ENOMEM;
    return true;
}

static void write_count(void)
{
    const char *path = getenv("SUMI_COUNT_ALLOC");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f) return;
    fprintf(f, "%lld\n", (long long)fail_alloc_count());
    fclose(f);
}

__attribute__((constructor)) static void arm_from_environment(void)
{
    const char *n = getenv("SUMI_FAIL_ALLOC");
    if (n) fail_alloc_arm(atoll(n), strchr(n, '+') != NULL);
    if (getenv("SUMI_COUNT_ALLOC")) atexit(write_count);
}

/* ---- In place of the C library's: --wrap of the linker gives these the calls, and __real_ the originals ---- */

#define WRAP(result, name, parameters, arguments, failure)                                                   \
    result __real_##name parameters;                                                                         \
    result __wrap_##name parameters;                                                                         \
    result __wrap_##name parameters                                                                          \
    {                                                                                                        \
        return fails() ? failure : __real_##name arguments;                                                  \
    }

WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(void *, aligned_alloc, (size_t align, size_t n), (align, n), NULL)
WRAP(char *, strdup, (const char *s), (s), NULL)
WRAP(char *, strndup, (const char *s, size_t n), (s, n), NULL)
WRAP(int, pthread_create, (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *x), (t, a, f, x),
     EAGAIN)

void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    return fails() ? MAP_FAILED : __real_mmap(at, n, prot, flags, fd, offset);
}

#define PRINT(name, parameters, last)                                                                        \
    int name parameters __attribute__((format(printf, last, last + 1)));                                     \
    int name parameters                                                                                      \
    {                                                                                                        \
        va_list args;                                                                                        \
        if (fails()) return -1;                                                                              \
        va_start(args, format);                                                                              \
        int n = vasprintf(out, format, args);                                                                \
        va_end(args);                                                                                        \
        return n;                                                                                            \
    }

PRINT(__wrap_asprintf, (char **out, const char *format, ...), 2)
PRINT(__wrap___asprintf_chk, (char **out, __attribute__((unused)) int flag, const char *format, ...),
      3) /* under _FORTIFY_SOURCE */
