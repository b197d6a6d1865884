/* new_key.c - see new_key.h. */
#include "cli/commands/new_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "server/ops/keys.h"

enum { MAX_KEY = 512, RANDOM_BYTES = 32 };

/* A line without its newline; "" at the end of the input. */
static sumi_status read_key(const char *name, char *key, sumi_error *err)
{
    struct termios shown, hidden;
    bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        fprintf(stderr, "Key of %s (empty: a new one is made): ", name);
    }
    bool got = fgets(key, MAX_KEY, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    if (!got) key[0] = '\0';
    size_t n = strcspn(key, "\r\n");
    if (n == MAX_KEY - 1) return sumi_fail(err, SUMI_EINVAL, "the key is longer than %d bytes", MAX_KEY - 2);
    key[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return sumi_fail(err, SUMI_EINVAL, "a key has only ASCII characters and no spaces");
    return SUMI_OK;
}

static sumi_status make_key(char *key, sumi_error *err)
{
    unsigned char bytes[RANDOM_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return sumi_fail(err, SUMI_EIO, "no random numbers can be read from the system");
    char *at = key + sprintf(key, "sk-");
    for (size_t i = 0; i < sizeof bytes; i++) at += sprintf(at, "%02x", bytes[i]);
    return SUMI_OK;
}

int cli_new_key(const char *name)
{
    char key[MAX_KEY], line[KEY_MAX_LINE];
    sumi_error err;
    sumi_status st = key_name_check(name, &err);
    if (st == SUMI_OK) st = read_key(name, key, &err);
    if (st == SUMI_OK && !key[0]) {
        st = make_key(key, &err);
        if (st == SUMI_OK) fprintf(stderr, "sumi: the key of %s, which is shown only now: %s\n", name, key);
    }
    if (st != SUMI_OK) return cli_fail_error(&err);
    key_write_line(name, key, line);
    puts(line);
    return EXIT_DONE;
}
