/* levels.c - see levels.h. */
#include "levels.h"

double test_gamma(double n)
{
    return n * 0x1p-24 / (1 - n * 0x1p-24);
}

void test_run_level(void (*test)(const kernels *k, test_rng *rng), const kernels *k, const char *suffix)
{
    test_rng rng = test_rng_init(11);
    print_message("  level %s%s\n", cpu_level_name(k->level), suffix);
    test(k, &rng);
}

void test_for_each_level(void (*test)(const kernels *k, test_rng *rng))
{
    for (int level = CPU_AVX2; level <= (int)cpu_best_level(); level++) {
        kernels k;
        if (!cpu_has_level((cpu_level)level)) continue;
        kernels_init(&k, (cpu_level)level);
        test_run_level(test, &k, "");
    }
}

void test_fill_normal(test_rng *rng, float *x, int32_t n, float scale)
{
    for (int32_t i = 0; i < n; i++) x[i] = scale * test_rng_normal(rng);
}
