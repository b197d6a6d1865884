/* cmd_serve.c - sumi serve: an HTTP server over an engine, until SIGTERM or SIGINT.
 *
 * Signals are blocked in all threads and fetched here, one by one: SIGTERM, SIGINT and SIGQUIT end the server in order,
 * SIGHUP reads the keys and opens the log again, SIGUSR1 opens the log alone. The server listens before the model is
 * loaded, so that a load balancer sees it come; whoever ends it in that time does not wait for the model. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/os/clock.h"
#include "cli/cli.h"
#include "cli/commands/new_key.h"
#include "cli/commands/notify.h"
#include "cli/options/args.h"
#include "cli/options/serve_options.h"
#include "cli/options/serving.h"
#include "sample/members.h"

enum { SPARE_FILES = 128 };

/* "models/smollm2.gguf" -> "smollm2" */
static void name_of(const char *model, char *out, size_t n_out)
{
    const char *slash = strrchr(model, '/');
    snprintf(out, n_out, "%s", slash ? slash + 1 : model);
    char *end = strstr(out, ".gguf");
    if (end && !end[5]) *end = '\0';
}

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGQUIT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
    sigprocmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a client that leaves is no reason to end */
    signal(SIGUSR2, SIG_IGN);
    signal(SIGALRM, SIG_IGN);
}

static logger into(journal *log)
{
    return (logger){ journal_message, log };
}

static void reopen_log(journal *log)
{
    sumi_error err;
    const logger lines = into(log);
    if (journal_reopen(log, &err) == SUMI_OK) return;
    log_message(&lines, SUMI_LOG_ERROR, "the log file cannot be opened again; the old file stays in use: %s",
                err.message);
}

static void reload(server *s, journal *log)
{
    sumi_error err;
    const logger lines = into(log);
    reopen_log(log);
    if (server_reload(s, &err) == SUMI_OK)
        log_message(&lines, SUMI_LOG_INFO, "keys and certificate were read again, and the log file was opened again");
    else log_message(&lines, SUMI_LOG_ERROR, "not read again, the old content stays in use: %s", err.message);
}

typedef struct wait_for_load {
    journal *log;
    _Atomic bool over; /* the next signal that this process sends itself ends the thread */
} wait_for_load;

/* A thread that ends the program on a signal while the model is being loaded: there are no answers to lose, and nothing
 * was written. */
static void *end_while_loading(void *arg)
{
    wait_for_load *w = arg;
    sigset_t ends;
    siginfo_t of;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGQUIT);
    while (sigwaitinfo(&ends, &of) < 0) continue; /* EINTR */
    /* si_code > 0: sent by the kernel, as Ctrl-C. A signal of this process that is not from load() was sent before exec. */
    if (of.si_code <= 0 && of.si_pid == getpid() && w->over) return NULL;
    journal_message(w->log, SUMI_LOG_INFO, "shutting down before the model is loaded");
    _exit(EXIT_DONE);
}

/* Loads the model and makes its engine. */
static sumi_status load(const serve_args *a, common_options *common, sumi_model **m, sumi_engine **engine,
                        sumi_error *err)
{
    pthread_t waiting;
    wait_for_load w = { .log = a->server.journal };
    bool waits = pthread_create(&waiting, NULL, end_while_loading, &w) == 0;
    sumi_status st = cli_open_model(m, a->model, common, err);
    if (st == SUMI_OK) st = sumi_engine_create(engine, *m, &a->engine, err);
    if (!waits) return st;
    /* Not pthread_cancel(): the C library aborts if it has no memory for that. A signal to the program that was not fetched
     * stays for wait_for_the_end(). */
    w.over = true;
    pthread_kill(waiting, SIGTERM);
    pthread_join(waiting, NULL);
    return st;
}

/* Waits for a signal that ends the server. A second Ctrl-C ends it without waiting for answers. */
static void wait_for_the_end(server *s, journal *log, const sigset_t *set)
{
    for (;;) {
        int number = 0;
        if (sigwait(set, &number) != 0) break;
        if (number == SIGHUP) reload(s, log);
        else if (number == SIGUSR1) reopen_log(log);
        else break;
    }
    sigset_t again;
    sigemptyset(&again);
    sigaddset(&again, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &again, NULL);
}

/* Each connection takes a file descriptor; many systems allow 1,024 of them unless a program raises the limit. */
static void raise_file_limit(const serve_args *a)
{
    struct rlimit limit;
    const logger lines = into(a->server.journal);
    rlim_t wanted = (rlim_t)a->server.max_connections + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted) return;
    log_message(&lines, SUMI_LOG_WARN, "--max-connections %d: the system allows %llu open files only (ulimit -n)",
                a->server.max_connections, (unsigned long long)limit.rlim_max);
}

/* stdout has the address, in a line that scripts may wait for; the log has the rest. */
static void tell_start(const serve_args *a, const server *s, const sumi_model *m, sumi_engine *engine, double ms)
{
    sumi_engine_stats stats;
    sumi_model_info info;
    const logger lines = into(a->server.journal);
    bool v6 = strchr(a->server.host, ':') != NULL;
    sumi_model_get_info(m, &info);
    sumi_engine_get_stats(engine, &stats);
    log_message(&lines, SUMI_LOG_INFO,
                "%s: %s, %.3g billion parameters, ready after %.0f ms; %d threads (%s), %d answers at once, "
                "context %d tokens, %.0f MiB for keys and values of %lld tokens",
                a->server.model_name, info.architecture, (double)info.n_params * 1e-9, ms, stats.n_threads, info.isa,
                stats.max_seqs, stats.n_ctx, (double)stats.kv_bytes / (1 << 20),
                (long long)stats.kv_blocks * stats.kv_block);
    printf("sumi: serving %s on %s://%s%s%s:%d\n", a->server.model_name, a->server.tls_cert ? "https" : "http",
           v6 ? "[" : "", a->server.host, v6 ? "]" : "", server_port(s));
    if (fflush(stdout) == 0) return;
    log_message(&lines, SUMI_LOG_WARN, "standard output: %s; the address could not be printed", strerror(errno));
    __fpurge(stdout); /* the server works without standard output, and ends with 0 */
    clearerr(stdout);
}

/* The settings for requests that do not have them: the options, then the model file's recommended values. */
static void set_defaults(serve_args *a, const sumi_model *m)
{
    server_defaults *d = &a->server.defaults;
    const logger lines = into(a->server.journal);
    buf text;
    buf_init(&text, 512);
    d->members = a->settings.no_recommended ? 0 : sumi_model_sampling(m, &d->sampling);
    sampling_print(&d->sampling, d->members & ~a->settings.given, &text);
    if (text.n)
        log_message(&lines, SUMI_LOG_INFO, "sampling that the model recommends, for requests without these fields: %s",
                    text.data);
    sampling_take(&d->sampling, &a->generate.sampling, a->settings.given);
    d->members |= a->settings.given;
    d->max_tokens = a->generate.max_tokens;
    buf_deinit(&text);
}

static sumi_status serve(serve_args *a, server *s, const sigset_t *set, double start_ms, sumi_error *err)
{
    sumi_model *m;
    sumi_engine *engine = NULL;
    journal *log = a->server.journal;
    sumi_status st = load(a, &a->common, &m, &engine, err);
    if (st == SUMI_OK) {
        set_defaults(a, m);
        server_attach(s, m, engine, &a->server.defaults);
        tell_start(a, s, m, engine, clock_ms() - start_ms);
        notify_manager("READY=1");
        wait_for_the_end(s, log, set);
        notify_manager("STOPPING=1");
        journal_message(log, SUMI_LOG_INFO, "shutting down: running answers may end, new requests are refused");
        server_drain(s, a->drain_s * 1000);
    }
    server_destroy(s); /* before the model and the engine that it uses */
    sumi_engine_destroy(engine);
    sumi_model_close(m);
    return st;
}

/* A private key that others on this machine can read is not private. */
static void check_private(const serve_args *a)
{
    struct stat of;
    const logger lines = into(a->server.journal);
    if (!a->server.tls_key || stat(a->server.tls_key, &of) != 0 || !(of.st_mode & (S_IROTH))) return;
    log_message(&lines, SUMI_LOG_WARN, "%s: every user of this machine can read the private key: run chmod o-r",
                a->server.tls_key);
}

static sumi_status open_log(serve_args *a, sumi_error *err)
{
    const journal_opts opts = { .path = a->log_path, .json = a->common.log_json, .level = a->common.log_level };
    sumi_status st = journal_open(&a->server.journal, &opts, err);
    if (st != SUMI_OK) return st;
    a->common.model.log = journal_message;
    a->common.model.log_user = a->server.journal;
    return SUMI_OK;
}

static sumi_status run(serve_args *a, sumi_error *err)
{
    sigset_t set;
    server *s;
    double start_ms = clock_ms();
    char name[256];
    name_of(a->model, name, sizeof name);
    if (!a->server.model_name) a->server.model_name = name;
    sumi_status st = open_log(a, err);
    a->server.allowed_hosts = a->allowed_hosts;
    a->server.trusted_proxies = a->trusted_proxies;
    a->server.max_queue = a->engine.max_queue;
    serving_take_common(&a->engine, &a->common);
    block_signals(&set);
    check_private(a);
    raise_file_limit(a);
    if (st == SUMI_OK) st = server_create(&s, &a->server, err);
    if (st == SUMI_OK) st = serve(a, s, &set, start_ms, err);
    journal_close(a->server.journal);
    return st;
}

int cmd_serve(int argc, char **argv)
{
    serve_args a = serve_args_default();
    sumi_error err;
    if (!cli_parse(&serve_argp, argc, argv, &a)) return EXIT_USAGE;
    if (a.new_key) return cli_new_key(a.new_key);
    return run(&a, &err) == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}
