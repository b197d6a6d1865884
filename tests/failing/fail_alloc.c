/* fail_alloc.c - see fail_alloc.h. */
#include "fail_alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The numbers that a test writes and reads; of a server, in a file that both have mapped. */
typedef struct switches {
    _Atomic int64_t n_calls, fails_at, and_after;
} switches;

static switches own, *now = &own;

void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);

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

static bool fails(void)
{
    int64_t n = atomic_fetch_add(&now->n_calls, 1) + 1, at = atomic_load(&now->fails_at);
    if (!at || n < at || (n > at && !atomic_load(&now->and_after))) return false;
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

/* jansson gets our malloc too, or what it allocates would never fail. */
static void share_switches(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map = fd >= 0 ? __real_mmap(NULL, sizeof *now, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) close(fd);
    if (map == MAP_FAILED) {
        fprintf(stderr, "SUMI_FAIL_SWITCHES: %s: %s\n", path, strerror(errno));
        _exit(2);
    }
    now = map;
    json_set_alloc_funcs(malloc, free);
}

__attribute__((constructor)) static void arm_from_environment(void)
{
    const char *n = getenv("SUMI_FAIL_ALLOC");
    if (n) fail_alloc_arm(atoll(n), strchr(n, '+') != NULL);
    if (getenv("SUMI_COUNT_ALLOC")) atexit(write_count);
    if (getenv("SUMI_FAIL_SWITCHES")) share_switches(getenv("SUMI_FAIL_SWITCHES"));
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
