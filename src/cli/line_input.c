/* line_input.c - see line_input.h.
 *
 * libedit retries a read that a signal interrupted, so Ctrl-C would be lost: it gets its characters from read_char()
 * here, which gives up when interrupt.h has one pending. */
#include "cli/line_input.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/error.h"
#include "cli/interrupt.h"

enum { HISTORY_LINES = 1000 };

struct line_input {
    EditLine *edit;
    History *history;
    char path[PATH_MAX]; /* of the history; "": it is not kept */
    const char *prompt;
    mbstate_t decoding;  /* of a character whose bytes come one by one */
};

/* One character from the terminal: 1, 0 at its end, -1 after Ctrl-C or an error. */
static int read_char(EditLine *edit, wchar_t *out)
{
    line_input *in;
    el_get(edit, EL_CLIENTDATA, &in);
    for (;;) {
        char byte;
        ssize_t n = interrupt_pending() ? -1 : read(STDIN_FILENO, &byte, 1);
        if (n < 0 && errno == EINTR && !interrupt_pending()) continue; /* another signal, such as a new window size */
        if (n <= 0) return (int)n;
        size_t used = mbrtowc(out, &byte, 1, &in->decoding);
        if (used == (size_t)-2) continue; /* more bytes to come */
        if (used != (size_t)-1) return 1;
        memset(&in->decoding, 0, sizeof in->decoding);
        *out = L'?';
        return 1;
    }
}

static char *prompt_text(EditLine *edit)
{
    line_input *in;
    el_get(edit, EL_CLIENTDATA, &in);
    return (char *)in->prompt; /* libedit only reads it */
}

/* Makes every folder of path but the last part, for this user alone. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!ok) return false;
    }
    return true;
}

static void find_history(line_input *in)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (state && state[0] == '/') /* the specification tells to ignore relative paths */
        n = snprintf(in->path, sizeof in->path, "%s/sumi/history", state);
    else if (home && home[0] == '/')
        n = snprintf(in->path, sizeof in->path, "%s/.local/state/sumi/history", home);
    if (n < 0 || (size_t)n >= sizeof in->path || !make_folders(in->path)) in->path[0] = '\0';
}

sumi_status line_input_create(line_input **out, sumi_error *err)
{
    HistEvent event;
    *out = NULL;
    line_input *in = calloc(1, sizeof *in);
    if (!in) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8"); /* what models speak */
    in->prompt = "> ";
    in->edit = el_init("sumi", stdin, stdout, stderr);
    in->history = history_init();
    if (!in->edit || !in->history) {
        line_input_destroy(in);
        return sumi_fail(err, SUMI_EIO, "the terminal cannot be used for line editing");
    }
    el_set(in->edit, EL_CLIENTDATA, in);
    el_set(in->edit, EL_PROMPT, prompt_text);
    el_set(in->edit, EL_EDITOR, "emacs");
    el_set(in->edit, EL_GETCFN, read_char);
    el_set(in->edit, EL_HIST, history, in->history);
    el_set(in->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    history(in->history, &event, H_SETSIZE, HISTORY_LINES);
    history(in->history, &event, H_SETUNIQUE, 1);
    find_history(in);
    if (in->path[0]) history(in->history, &event, H_LOAD, in->path);
    el_source(in->edit, NULL); /* ~/.editrc */
    *out = in;
    return SUMI_OK;
}

void line_input_destroy(line_input *in)
{
    HistEvent event;
    if (!in) return;
    if (in->history && in->path[0]) {
        mode_t old = umask(0077); /* what was typed is nobody else's business */
        history(in->history, &event, H_SAVE, in->path);
        umask(old);
    }
    if (in->edit) el_end(in->edit);
    if (in->history) history_end(in->history);
    free(in);
}

/* One line without its newline; *n its length. */
static line_result read_line(line_input *in, const char *prompt, const char **line, size_t *n)
{
    int count = 0;
    HistEvent event;
    in->prompt = prompt;
    memset(&in->decoding, 0, sizeof in->decoding);
    el_resize(in->edit); /* the window may have another size than at the last line */
    *line = el_gets(in->edit, &count);
    if (interrupt_pending()) {
        interrupt_clear();
        el_reset(in->edit);
        fputc('\n', stdout);
        return LINE_INTERRUPTED;
    }
    if (!*line || count <= 0) return LINE_END;
    *n = (size_t)count;
    if ((*line)[*n - 1] == '\n') (*n)--;
    if (*n > 0) history(in->history, &event, H_ENTER, *line);
    return LINE_READ;
}

line_result line_input_read(line_input *in, buf *message)
{
    const char *line;
    size_t n;
    bool quoted = false, more = true;
    message->n = 0;
    for (bool first = true; more; first = false) {
        line_result result = read_line(in, first ? "> " : ". ", &line, &n);
        if (result != LINE_READ) return result;
        bool fence = n == 3 && !memcmp(line, "\"\"\"", 3);
        bool backslash = !quoted && !fence && n > 0 && line[n - 1] == '\\';
        if (fence) quoted = !quoted;
        else {
            buf_append(message, line, backslash ? n - 1 : n);
            buf_append_char(message, '\n');
        }
        more = quoted || backslash;
    }
    if (message->n > 0) message->data[--message->n] = '\0';
    return LINE_READ;
}
