/* test_cpu.c - processor features against what Linux says of the same processor. */
#include "base/os/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_support.h"

/* The line "flags" of /proc/cpuinfo, a space around each word. Linux leaves out what it does not enable. NULL: there is none, or
 * the flags may be those of another machine, on which this one is emulated. */
static char *linux_flags(void)
{
#ifndef __x86_64__
    return NULL;
#endif
    FILE *f = fopen("/proc/cpuinfo", "re");
    char *line = NULL, *flags = NULL;
    size_t n = 0;
    while (f && !flags && getline(&line, &n, f) > 0) {
        if (strncmp(line, "flags", 5) != 0) continue;
        line[strcspn(line, "\n")] = ' ';
        flags = strdup(strchr(line, ':') + 1);
    }
    free(line);
    if (f) fclose(f);
    return flags;
}

static bool has_all(const char *flags, const char *words)
{
    char copy[128], *rest = copy, *word, spaced[64];
    snprintf(copy, sizeof copy, "%s", words);
    while ((word = strsep(&rest, " "))) {
        snprintf(spaced, sizeof spaced, " %s ", word);
        if (!strstr(flags, spaced)) return false;
    }
    return true;
}

static void features_are_those_that_linux_lists(void **state)
{
    static const struct {
        uint32_t feature;
        const char *words;
    } table[] = {
        { CPU_HAS_AVX2, "avx2 fma f16c bmi2" },
        { CPU_HAS_AVX_VNNI, "avx_vnni" },
        { CPU_HAS_AVX512, "avx512f avx512bw avx512vl avx512dq" },
        { CPU_HAS_AVX512_VNNI, "avx512_vnni" },
        { CPU_HAS_AVX512_BF16, "avx512_bf16" },
        { CPU_HAS_AMX_INT8, "amx_tile amx_int8" },
        { CPU_HAS_AMX_BF16, "amx_tile amx_bf16" },
    };
    (void)state;
    char *flags = linux_flags();
    if (!flags) {
        print_message("skipped: these features are those that Linux lists on x86-64\n");
        skip();
        return; /* gcc does not know that skip() ends the test */
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        bool linux_has = has_all(flags, table[i].words), we_have = cpu_features() & table[i].feature;
        if (linux_has != we_have) fail_msg("'%s': Linux %d, cpu_features() %d", table[i].words, linux_has, we_have);
    }
    free(flags);
}

static void levels_need_their_features(void **state)
{
    uint32_t found = cpu_features();
    (void)state;
    bool avx512 = found & CPU_HAS_AVX512 && found & CPU_HAS_AVX512_VNNI;
    cpu_level wide = found & CPU_HAS_AMX_INT8 ? CPU_AMX : CPU_AVX512;
    cpu_level narrow = found & CPU_HAS_AVX_VNNI ? CPU_AVXVNNI : found & CPU_HAS_AVX2 ? CPU_AVX2 : CPU_REF;
    assert_int_equal(cpu_best_level(), avx512 ? wide : narrow);
    assert_true(cpu_has_level(CPU_REF) && cpu_has_level(cpu_best_level()));
    assert_int_equal(cpu_has_level(CPU_AVXVNNI), (found & CPU_HAS_AVX_VNNI) != 0);
    assert_int_equal(cpu_has_level(CPU_AVX512), avx512);
    for (cpu_level level = CPU_REF; level < CPU_N_LEVELS; level++) {
        cpu_level back;
        assert_true(cpu_level_from_name(cpu_level_name(level), &back));
        assert_int_equal(back, level);
    }
}

static void caches_grow_with_their_level(void **state)
{
    (void)state;
    size_t below = 0;
    for (int level = 1; level <= 3; level++) {
        size_t n = cpu_cache_bytes(level);
        if (n) assert_true(n > below && n <= (size_t)4 << 30);
        below = n ? n : below;
    }
    assert_int_equal(cpu_cache_bytes(9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_are_those_that_linux_lists),
        cmocka_unit_test(levels_need_their_features),
        cmocka_unit_test(caches_grow_with_their_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
