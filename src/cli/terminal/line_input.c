/* line_input.c - see line_input.h.
 *
 * libedit retries a read that a signal interrupted, so Ctrl-C would be lost. So libedit gets its characters from read_char()
 * here, which returns when interrupt.h has a pending Ctrl-C, and draws the line again when the window has another size.
 *
 * Pasted text is bracketed: the terminal sends ESC [ 2 0 0 ~ before it and ESC [ 2 0 1 ~ after it (xterm's control
 * sequences, mode 2004). So a pasted line feed does not send the message:
 *
 *   pasted   "first\nsecond\nthird"
 *   editor   > first            taken as a line; so is "second", which is only shown
 *            . second
 *            . third_           stays in the editor; Enter sends all three */
#include "cli/terminal/line_input.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/error.h"
#include "base/os/new_file.h"
#include "cli/cli.h"
#include "cli/terminal/columns.h"
#include "cli/terminal/interrupt.h"

enum { HISTORY_LINES = 1000 };

static const char paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

struct line_input {
    EditLine *edit;
    History *history;
    char path[PATH_MAX]; /* of the history; "": it is not kept */
    const char *prompt;
    mbstate_t decoding; /* of a character whose bytes arrive one by one */
    buf pasted;         /* not yet taken by the editor before `at`; lines end in "\n" */
    size_t at;
    bool refill;                   /* the line that was read ended inside of `pasted` */
    const char *(*word)(size_t i); /* for Tab; NULL: none */
};

/* The window has another size. A global, because a signal handler has no argument. */
static volatile sig_atomic_t resized;

static void on_sigwinch(int signal_number)
{
    (void)signal_number;
    resized = 1;
}

/* Moves to the beginning of the prompt and clears the screen from there. A line that is longer than the terminal's width
 * takes several rows. Terminals wrap it again when their width changes, so the rows are computed from the text and the
 * present width. */
static void clear_line(line_input *in)
{
    const LineInfo *line = el_line(in->edit);
    int width = columns_of_text(in->prompt, strlen(in->prompt)) +
                columns_of_text(line->buffer, (size_t)(line->cursor - line->buffer));
    int rows = width / columns_of_terminal(STDOUT_FILENO, COLUMNS_USUAL);
    if (rows > 0) printf("\033[%dA", rows);
    fputs("\r\033[J", stdout);
    fflush(stdout);
}

/* One byte from the terminal: 1, 0 at its end, -1 after Ctrl-C or an error. */
static int read_byte(line_input *in, char *byte)
{
    for (;;) {
        if (resized) {
            resized = 0;
            clear_line(in);
            el_resize(in->edit);
            el_set(in->edit, EL_REFRESH);
        }
        interrupt_wait found = interrupt_wait_readable(STDIN_FILENO, &resized);
        if (found == INTERRUPT_RESIZED) continue;
        errno = EINTR;
        ssize_t n = found == INTERRUPT_PRESSED ? -1 : read(STDIN_FILENO, byte, 1);
        if (n >= 0 || errno != EINTR || interrupt_pending()) return (int)n;
    }
}

/* One character from the terminal: 1, 0 at its end, -1 after Ctrl-C or an error. */
static int read_char(EditLine *edit, wchar_t *out)
{
    line_input *in;
    el_get(edit, EL_CLIENTDATA, &in);
    for (;;) {
        char byte;
        int n = read_byte(in, &byte);
        if (n <= 0) return n;
        size_t used = mbrtowc(out, &byte, 1, &in->decoding);
        if (used == (size_t)-2) continue; /* more bytes to come */
        if (used != (size_t)-1) return 1;
        memset(&in->decoding, 0, sizeof in->decoding);
        *out = L'?';
        return 1;
    }
}

/* Reads a pasted text up to its end into in->pasted. Of control characters only line ends and tabs are kept: text that was
 * copied from a web page must not control the editor. */
static bool read_pasted(line_input *in)
{
    const size_t n_end = sizeof paste_end - 1;
    char byte;
    buf *text = &in->pasted;
    size_t n_seen = 0; /* characters of paste_end */
    text->n = in->at = 0;
    while (n_seen < n_end) {
        if (read_byte(in, &byte) <= 0) return false;
        if (byte == paste_end[n_seen]) {
            n_seen++;
            continue;
        }
        for (size_t i = 1; i < n_seen; i++) buf_append_char(text, paste_end[i]); /* it was text, without its ESC */
        n_seen = byte == paste_end[0];
        if (n_seen) continue;
        if (byte == '\r' || byte == '\n') buf_append_char(text, '\n'); /* terminals send a carriage return */
        else if (((unsigned char)byte >= ' ' && byte != 0x7f) || byte == '\t') buf_append_char(text, byte);
    }
    return text->status == SUMI_OK;
}

/* The next line of the pasted text; NULL: the rest has no line end. */
static const char *next_pasted(line_input *in, size_t *n)
{
    const char *line = in->pasted.data + in->at;
    const char *end = in->at < in->pasted.n ? memchr(line, '\n', in->pasted.n - in->at) : NULL;
    if (!end) return NULL;
    *n = (size_t)(end - line);
    in->at += *n + 1;
    return line;
}

/* The key that a terminal sends in front of pasted text: its first line goes into the editor; if more follow, that line
 * is complete. */
static unsigned char paste(EditLine *edit, int key)
{
    line_input *in;
    (void)key;
    el_get(edit, EL_CLIENTDATA, &in);
    if (in->at >= in->pasted.n && !read_pasted(in)) return CC_EOF;
    size_t n = in->pasted.n - in->at;
    char *first = in->pasted.data + in->at, *end = n ? memchr(first, '\n', n) : NULL;
    if (n == 0) return CC_NORM;
    in->at = end ? in->at + (size_t)(end - first) + 1 : in->pasted.n;
    if (end) {
        *end = '\0';
        clear_line(in); /* CC_NEWLINE draws nothing: the line is drawn here, as a whole */
    }
    if (*first && el_insertstr(edit, first) != 0) return CC_ERROR; /* it refuses an empty text */
    if (!end) return CC_REFRESH;
    in->refill = true;
    el_set(edit, EL_REFRESH);
    fputc('\n', stdout);
    return CC_NEWLINE;
}

/* Completes the first word of the line. With several candidates, their common beginning is inserted and all are listed. */
static unsigned char complete(EditLine *edit, int key)
{
    line_input *in;
    (void)key;
    el_get(edit, EL_CLIENTDATA, &in);
    const LineInfo *line = el_line(edit);
    size_t n = (size_t)(line->cursor - line->buffer), shared = 0;
    const char *first = NULL, *w;
    int n_found = 0;
    if (!in->word || n == 0 || memchr(line->buffer, ' ', n)) return CC_ERROR;
    for (size_t i = 0; (w = in->word(i)); i++) {
        if (strncmp(w, line->buffer, n) != 0) continue;
        if (n_found++ == 0) shared = strlen(first = w);
        while (strncmp(first, w, shared) != 0) shared--;
    }
    if (n_found == 0) return CC_ERROR;
    if (n_found > 1 && shared == n) {
        fputc('\n', stdout);
        for (size_t i = 0; (w = in->word(i)); i++)
            if (!strncmp(w, line->buffer, n)) printf("%s  ", w);
        fputc('\n', stdout);
        return CC_REDISPLAY;
    }
    char rest[64];
    snprintf(rest, sizeof rest, "%.*s%s", (int)(shared - n), first + n, n_found == 1 ? " " : "");
    return el_insertstr(edit, rest) == 0 ? CC_REFRESH : CC_ERROR;
}

static char *prompt_text(EditLine *edit)
{
    line_input *in;
    el_get(edit, EL_CLIENTDATA, &in);
    return (char *)in->prompt; /* libedit only reads it */
}

/* Makes all folders of path except the last component, for this user only. */
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
    if (state && state[0] == '/') /* the specification says that relative paths are ignored */
        n = snprintf(in->path, sizeof in->path, "%s/sumi/history", state);
    else if (home && home[0] == '/') n = snprintf(in->path, sizeof in->path, "%s/.local/state/sumi/history", home);
    if (n < 0 || (size_t)n >= sizeof in->path || !make_folders(in->path)) in->path[0] = '\0';
}

/* A history that cannot be read is not written either: its lines would be lost. */
static void load_history(line_input *in)
{
    HistEvent event;
    struct stat there;
    if (!in->path[0] || stat(in->path, &there) != 0) return;
    if (S_ISREG(there.st_mode)) {
        if (there.st_size == 0 || history(in->history, &event, H_LOAD, in->path) >= 0) return;
        cli_fail("%s: this history of earlier chats cannot be read; it stays as it is, without the lines of this chat",
                 in->path);
    }
    in->path[0] = '\0'; /* also for a link to /dev/null, with which a person says that no history is kept */
}

/* Whether all lines are in the file of fd. */
static bool write_history(line_input *in, int fd)
{
    HistEvent event;
    int copy = dup(fd);
    FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
    if (!f) {
        if (copy >= 0) close(copy);
        return false;
    }
    bool ok = history(in->history, &event, H_SAVE_FP, f) >= 0;
    return fclose(f) == 0 && ok;
}

/* H_SAVE would empty the file before it knows whether there is memory for the lines. */
static void save_history(line_input *in)
{
    sumi_error err;
    new_file f = { 0 };
    if (!in->path[0]) return;
    char *target = realpath(in->path, NULL); /* a symbolic link stays one */
    sumi_status st = new_file_open(&f, target ? target : in->path, NEW_FILE_OVERWRITE | NEW_FILE_PRIVATE, 0, &err);
    if (st == SUMI_OK && !write_history(in, f.fd))
        st = sumi_fail(&err, SUMI_EIO, "%s: the lines of this chat cannot be added to the history", in->path);
    if (st == SUMI_OK) st = new_file_finish(&f, &err);
    if (st != SUMI_OK) cli_fail_error(&err);
    new_file_deinit(&f);
    free(target);
}

sumi_status line_input_create(line_input **out, sumi_error *err)
{
    HistEvent event;
    *out = NULL;
    line_input *in = calloc(1, sizeof *in);
    if (!in) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8"); /* what models speak */
    in->prompt = "> ";
    buf_init(&in->pasted, MAX_MESSAGE_BYTES);
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
    el_set(in->edit, EL_ADDFN, "sumi-paste", "Take pasted text", paste);
    el_set(in->edit, EL_BIND, paste_begin, "sumi-paste", NULL);
    el_set(in->edit, EL_ADDFN, "sumi-complete", "Complete a command", complete);
    el_set(in->edit, EL_BIND, "^I", "sumi-complete", NULL);
    history(in->history, &event, H_SETSIZE, HISTORY_LINES);
    history(in->history, &event, H_SETUNIQUE, 1);
    find_history(in);
    load_history(in);
    el_source(in->edit, NULL);                               /* ~/.editrc */
    struct sigaction action = { .sa_handler = on_sigwinch }; /* without SA_RESTART: a waiting read() returns */
    sigaction(SIGWINCH, &action, NULL);
    *out = in;
    return SUMI_OK;
}

void line_input_destroy(line_input *in)
{
    if (!in) return;
    if (in->history) save_history(in);
    if (in->edit) el_end(in->edit);
    if (in->history) history_end(in->history);
    buf_deinit(&in->pasted);
    free(in);
}

void line_input_set_words(line_input *in, const char *(*word)(size_t i))
{
    in->word = word;
}

/* Makes the terminal mark pasted text, only while a line is edited: other programs do not expect the marks. */
static void mark_pastes(bool on)
{
    fputs(on ? "\033[?2004h" : "\033[?2004l", stdout);
    fflush(stdout);
}

/* One line without its newline; *n its length. */
static line_result read_line(line_input *in, const char *prompt, const char **line, size_t *n)
{
    int count = 0;
    HistEvent event;
    in->prompt = prompt;
    memset(&in->decoding, 0, sizeof in->decoding);
    resized = 0;
    if (in->at < in->pasted.n) el_push(in->edit, paste_begin); /* as if the rest was pasted now: paste() takes it */
    in->refill = false;
    el_resize(in->edit); /* the window may have another size than at the last line */
    mark_pastes(true);
    *line = el_gets(in->edit, &count);
    mark_pastes(false);
    if (interrupt_pending()) {
        interrupt_clear();
        in->refill = false;
        in->at = in->pasted.n;
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
        while (in->refill && (line = next_pasted(in, &n))) {
            printf(". %.*s\n", (int)n, line);
            buf_append(message, line, n);
            buf_append_char(message, '\n');
        }
        more = quoted || backslash || in->refill;
    }
    if (message->n > 0) message->data[--message->n] = '\0';
    return LINE_READ;
}
