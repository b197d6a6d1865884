/* main.c - the program of a folder of tests: `test.unit.base buf` runs unit/base/test_buf.c, without a name each file in turn.
 * The file TESTS, which CMake writes, has a line TEST(buf) for each of them. */
#include <stdio.h>
#include <string.h>

#define TEST(name) int main_of_##name(void);
#include TESTS
#undef TEST

static const struct {
    const char *name;
    int (*run)(void);
} tests[] = {
#define TEST(name) { #name, main_of_##name },
#include TESTS
};

int main(int argc, char **argv)
{
    int failed = 0, n_run = 0;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (argc > 1 && strcmp(tests[i].name, argv[1]) != 0) continue;
        failed |= tests[i].run() != 0;
        n_run++;
    }
    if (n_run) return failed;
    fprintf(stderr, "%s: no test %s; there are", argv[0], argv[1]);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) fprintf(stderr, " %s", tests[i].name);
    fputc('\n', stderr);
    return 2;
}
