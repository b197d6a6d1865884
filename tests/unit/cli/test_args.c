/* test_args.c - what cli_parse() tells of an error: a mistake of the caller's, told by a parser or found by argp, or memory that
 * is missing. Each once, in one line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/options/args.h"
#include "test_support.h"

enum { RETURNED_TRUE = 100, RETURNED_FALSE }; /* exit codes of the process that parses */

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    switch (key) {
    case 'l': return ENOMEM; /* as without memory for the list */
    case 'm': return cli_mistake(state, "--mistake: of the parser");
    case 'f': return 0;
    case ARGP_KEY_END: return state->argc > 1 ? 0 : cli_mistake(state, "MODEL is missing");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option OPTIONS[] = {
    { "list", 'l', "N[,N]", 0, "", 0 },
    { "mistake", 'm', "N", 0, "", 0 },
    { "flag", 'f', NULL, 0, "", 0 },
    { 0 },
};

/* Parses in a process of its own, as cli_parse() may end it; said: all of its stderr. Returns its exit code. */
static int parse_apart(char **argv, char *said, size_t size)
{
    const struct argp argp = { .options = OPTIONS, .parser = parse_option };
    int argc = 0, ends[2], status;
    size_t n = 0;
    ssize_t got;
    while (argv[argc]) argc++;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        _exit(cli_parse(&argp, argc, argv, NULL) ? RETURNED_TRUE : RETURNED_FALSE);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + n, size - 1 - n)) > 0) n += (size_t)got;
    said[n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void each_error_is_told_once_and_as_what_it_is(void **state)
{
    static const struct {
        const char *args[3];
        int code;
        const char *said;
    } cases[] = {
        { { "--flag" }, RETURNED_TRUE, "" },
        { { "--list", "1,2" }, EXIT_FAILURE, "sumi: out of memory\n" },
        { { "--flag", "--list=1" }, EXIT_FAILURE, "sumi: out of memory\n" },
        { { "--mistake", "1" }, RETURNED_FALSE, "sumi x: --mistake: of the parser; see 'sumi x --help'\n" },
        { { NULL }, RETURNED_FALSE, "sumi x: MODEL is missing; see 'sumi x --help'\n" },
        { { "--list" }, RETURNED_FALSE, "sumi x: --list needs a value, N[,N]; see 'sumi x --help'\n" },
        { { "--flag", "-l" }, RETURNED_FALSE, "sumi x: -l needs a value, N[,N]; see 'sumi x --help'\n" },
        { { "--flag=1" }, RETURNED_FALSE, "sumi x: --flag takes no value; see 'sumi x --help'\n" },
        { { "--fly" }, RETURNED_FALSE, "sumi x: there is no option '--fly'; see 'sumi x --help'\n" },
        { { "--flag", "word" }, RETURNED_FALSE, "sumi x: there is no place for 'word'; see 'sumi x --help'\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[3][16] = { "x" }, *argv[4] = { words[0] }, said[512];
        for (int a = 0; a < 2 && cases[i].args[a]; a++) argv[a + 1] = strcpy(words[a + 1], cases[i].args[a]);
        int code = parse_apart(argv, said, sizeof said);
        assert_string_equal(said, cases[i].said);
        assert_int_equal(code, cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_error_is_told_once_and_as_what_it_is) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
