/* limits.c - timing, and the cost of a fork and join. See limits.h. */
#include "bench/limits.h"

#include <math.h>
#include <stdlib.h>

#include "base/os/clock.h"

double limits_shortest(pool *p, int64_t n_items, pool_fn fn, void *arg, double ms)
{
    double best = INFINITY;
    int64_t begin = clock_ns(), start = begin, now;
    for (int i = 0; i < 3 || (double)(now - begin) < ms * 1e6; i++) {
        start = clock_ns();
        pool_for(p, n_items, 1, fn, arg);
        now = clock_ns();
        best = fmin(best, (double)(now - start));
    }
    return best > 1 ? best : 1; /* a clock of coarse ticks must not make a rate infinite */
}

static void nothing(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)arg, (void)begin, (void)end, (void)thread;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

double limits_fork_join(pool *p)
{
    enum { N_GROUPS = 51, GROUP = 200 }; /* a group takes longer than reading the clock by far */
    double us[N_GROUPS];
    for (int g = 0; g < N_GROUPS; g++) {
        int64_t start = clock_ns();
        for (int i = 0; i < GROUP; i++) pool_for(p, pool_n_threads(p), 1, nothing, NULL);
        us[g] = (double)(clock_ns() - start) * 1e-3 / GROUP;
    }
    qsort(us, N_GROUPS, sizeof *us, by_value);
    return us[N_GROUPS / 2];
}
