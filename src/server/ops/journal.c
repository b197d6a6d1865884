/* journal.c - see journal.h. */
#include "server/ops/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/printable.h"
#include "server/api/json_text.h"

enum {
    MAX_BODY_BYTES = 16 << 10,  /* of a request's body in the log */
    MAX_LINE_BYTES = 128 << 10, /* such a body, each byte escaped, and the rest */
    PIPE_BYTES = 4096,          /* PIPE_BUF of Linux: a writable pipe takes this many bytes at once */
    WAIT_MS = 20,               /* for room for the rest of a line that has begun */
};

struct journal {
    journal_opts opts;
    _Atomic uint64_t n_lost;
    pthread_mutex_t lock;
    int fd;           /* under lock */
    bool on_terminal; /* where a bar may be on the line while the model is loaded */
};

#define CLEAR_LINE "\r\033[K"

/* ---- Files ---- */

static int open_file(const char *path, sumi_error *err)
{
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640) : STDERR_FILENO;
    if (fd < 0) sumi_fail_errno(err, path);
    return fd;
}

sumi_status journal_open(journal **out, const journal_opts *opts, sumi_error *err)
{
    *out = NULL;
    int fd = open_file(opts->path, err);
    if (fd < 0) return SUMI_EIO;
    journal *j = calloc(1, sizeof *j);
    if (!j) {
        if (opts->path) close(fd);
        return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    }
    j->opts = *opts;
    j->fd = fd;
    j->on_terminal = !opts->path && isatty(fd);
    pthread_mutex_init(&j->lock, NULL);
    *out = j;
    return SUMI_OK;
}

sumi_status journal_reopen(journal *j, sumi_error *err)
{
    if (!j || !j->opts.path) return SUMI_OK;
    int fd = open_file(j->opts.path, err), old;
    if (fd < 0) return SUMI_EIO;
    pthread_mutex_lock(&j->lock);
    old = j->fd;
    j->fd = fd;
    pthread_mutex_unlock(&j->lock);
    close(old);
    return SUMI_OK;
}

void journal_close(journal *j)
{
    if (!j) return;
    if (j->opts.path) close(j->fd);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

uint64_t journal_lost(const journal *j)
{
    return j ? atomic_load(&j->n_lost) : 0;
}

/* ---- Lines ---- */

static bool can_write(int fd, int wait_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, wait_ms) == 1 && (p.revents & POLLOUT);
}

/* True: the whole text is written. A line of usual length is one write(), which other writers to the file cannot cut. */
static bool write_line(int fd, const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        if (!can_write(fd, at ? WAIT_MS : 0)) return false;
        ssize_t done = write(fd, text + at, n - at < PIPE_BYTES ? n - at : PIPE_BYTES);
        if (done < 0 && errno != EINTR) return false;
        if (done > 0) at += (size_t)done;
    }
    return true;
}

static void format_time(char out[static 32])
{
    struct timespec now;
    struct tm t;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &t);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out + n, 32 - n, ".%03ldZ", now.tv_nsec / 1000000);
}

/* In place of a line for which there is no memory. */
static void write_without_memory(const journal *j)
{
    static const char what[] = "out of memory: a line of the log is lost";
    char time[32], line[128];
    format_time(time);
    int n = snprintf(line, sizeof line,
                     j->opts.json ? "{\"time\":\"%s\",\"level\":\"error\",\"message\":\"%s\"}\n" : "%s error %s\n",
                     time, what);
    write_line(j->fd, line, (size_t)n);
}

/* Writes the line that begin() and others have built. */
static void end(journal *j, buf *line)
{
    if (j->opts.json) buf_append_char(line, '}');
    else if (line->data) line->n = printable_copy(line->data, line->n + 1, line->data, line->n);
    buf_append_char(line, '\n');
    pthread_mutex_lock(&j->lock);
    if (j->on_terminal) write_line(j->fd, CLEAR_LINE, strlen(CLEAR_LINE));
    bool ok = line->status == SUMI_OK && write_line(j->fd, line->data, line->n);
    if (line->status == SUMI_ENOMEM) write_without_memory(j);
    pthread_mutex_unlock(&j->lock);
    if (!ok) atomic_fetch_add(&j->n_lost, 1);
    buf_deinit(line);
}

static void begin(const journal *j, buf *line, sumi_log_level level, const char *message)
{
    char time[32];
    buf_init(line, MAX_LINE_BYTES);
    if (j->opts.json) buf_append_str(line, "{\"time\":\"");
    format_time(time);
    buf_append_str(line, time);
    if (!j->opts.json) {
        buf_printf(line, " %-5s %s", log_level_name(level), message);
        return;
    }
    buf_printf(line, "\",\"level\":\"%s\",\"message\":", log_level_name(level));
    json_put_string(line, message);
}

/* Adds a field. value NULL: none. In text, name NULL shows only the value. */
static void put_field(const journal *j, buf *line, const char *name, const char *text_name, const char *value)
{
    if (!value || !*value) return;
    if (j->opts.json) {
        buf_printf(line, ",\"%s\":", name);
        json_put_string(line, value);
    } else {
        buf_append_char(line, ' ');
        if (text_name) buf_printf(line, "%s=", text_name);
        buf_append_str(line, value);
    }
}

/* It may have spaces. */
static void put_agent(const journal *j, buf *line, const char *agent)
{
    if (j->opts.json) {
        put_field(j, line, "agent", NULL, agent);
    } else if (agent && *agent) {
        buf_append_str(line, " agent=");
        json_put_string(line, agent);
    }
}

static void put_count(const journal *j, buf *line, const char *name, const char *text_name, int64_t value)
{
    buf_printf(line, j->opts.json ? ",\"%s\":%lld" : " %s=%lld", j->opts.json ? name : text_name, (long long)value);
}

static void put_ms(const journal *j, buf *line, const char *name, const char *text_name, double ms)
{
    if (j->opts.json) buf_printf(line, ",\"%s\":%.3f", name, ms);
    else buf_printf(line, " %s%.1fms", text_name, ms);
}

void journal_message(void *of, sumi_log_level level, const char *message)
{
    journal *j = of;
    buf line;
    if (!j || level > j->opts.level) return;
    begin(j, &line, level, message);
    end(j, &line);
}

void journal_put_request(journal *j, sumi_log_level level, const journal_request *r)
{
    buf line;
    if (!j || level > j->opts.level) return;
    begin(j, &line, level, "request");
    put_field(j, &line, "id", NULL, r->id);
    put_field(j, &line, "method", NULL, r->method);
    put_field(j, &line, "path", NULL, r->path);
    buf_printf(&line, j->opts.json ? ",\"status\":%d" : " %d", r->status);
    put_ms(j, &line, "ms", "", r->ms);
    put_field(j, &line, "client", "client", r->client);
    put_field(j, &line, "key", "key", r->key);
    put_field(j, &line, "error", "error", r->code);
    put_field(j, &line, "param", "param", r->param);
    if (r->finish) {
        put_count(j, &line, "prompt_tokens", "prompt", r->n_prompt);
        put_count(j, &line, "cached_tokens", "cached", r->n_cached);
        put_count(j, &line, "generated_tokens", "generated", r->n_generated);
        put_field(j, &line, "finish", "finish", r->finish);
        if (r->first_token_ms > 0) put_ms(j, &line, "first_token_ms", "first_token=", r->first_token_ms);
    }
    put_field(j, &line, "trace_id", "trace", r->trace_id);
    put_agent(j, &line, r->agent);
    if (r->client_left) buf_append_str(&line, j->opts.json ? ",\"left\":true" : " (the client left)");
    end(j, &line);
}

void journal_put_body(journal *j, const char *id, const char *body, size_t n)
{
    buf line;
    bool cut = n > MAX_BODY_BYTES;
    if (!j || !n || SUMI_LOG_INFO > j->opts.level) return;
    begin(j, &line, SUMI_LOG_INFO, "body");
    put_field(j, &line, "id", NULL, id);
    if (cut) n = MAX_BODY_BYTES;
    if (j->opts.json) {
        buf_append_str(&line, ",\"body\":");
        json_put_text(&line, body, n);
        if (cut) buf_append_str(&line, ",\"cut\":true");
    } else {
        buf_append_char(&line, ' ');
        buf_append(&line, body, n);
        if (cut) buf_append_str(&line, " ...");
    }
    end(j, &line);
}
