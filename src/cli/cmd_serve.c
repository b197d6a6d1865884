/* cmd_serve.c - sumi serve: an HTTP server over an engine, until SIGTERM or SIGINT.
 *
 * Signals are blocked in all threads and fetched here, one by one: SIGTERM and SIGINT end the server in order, SIGHUP
 * reads the keys again. The server listens before the model is loaded, so that a load balancer sees it come. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/serving.h"
#include "server/server.h"

enum {
    OPT_HOST = 256,
    OPT_PORT,
    OPT_NAME,
    OPT_KEYS,
    OPT_ANONYMOUS,
    OPT_METRICS_OPEN,
    OPT_NO_WEB,
    OPT_CORS,
    OPT_CERT,
    OPT_KEY,
    OPT_THREADS,
    OPT_CONNECTIONS,
    OPT_CONNECTIONS_IP,
    OPT_BODY,
    OPT_QUEUE,
    OPT_QUEUE_KEY,
    OPT_IDLE,
    OPT_HEARTBEAT,
    OPT_QUEUE_TIMEOUT,
    OPT_FIRST_TOKEN_TIMEOUT,
    OPT_REQUEST_TIMEOUT,
    OPT_STALL_TIMEOUT,
    OPT_DRAIN_TIMEOUT
};

enum { MAX_SECONDS = 86400 * 365, MAX_PEM_BYTES = 1 << 20 };

typedef struct serve_args {
    common_options common;
    sumi_engine_opts engine;
    server_opts server;
    const char *model, *cert_path, *key_path;
    int64_t drain_s;
} serve_args;

static const struct argp_option options[] = {
    { "host", OPT_HOST, "ADDRESS", 0, "Listen on this address (127.0.0.1)", 0 },
    { "port", OPT_PORT, "N", 0, "Listen on this port; 0: any free one, which is printed (8080)", 0 },
    { "model-name", OPT_NAME, "NAME", 0, "What clients call the model (default: the file's name)", 0 },
    { "api-key-file", OPT_KEYS, "FILE", 0,
      "Who may ask: names and SHA-256 sums of keys, read again on SIGHUP", 0 },
    { "allow-anonymous", OPT_ANONYMOUS, NULL, 0, "Without keys, listen on addresses that others reach", 0 },
    { "metrics-open", OPT_METRICS_OPEN, NULL, 0, "/metrics needs no key", 0 },
    { "no-web", OPT_NO_WEB, NULL, 0, "Without the web page", 0 },
    { "cors-origin", OPT_CORS, "ORIGIN", 0, "Web pages of this origin may ask, or '*': all (none)", 0 },
    { "tls-cert", OPT_CERT, "FILE", 0, "Speak TLS with this certificate (PEM)", 0 },
    { "tls-key", OPT_KEY, "FILE", 0, "Its private key (PEM)", 0 },
    { "http-threads", OPT_THREADS, "N", 0, "Threads that speak HTTP (2)", 0 },
    { "max-connections", OPT_CONNECTIONS, "N", 0, "Connections in all (1024)", 0 },
    { "max-connections-ip", OPT_CONNECTIONS_IP, "N", 0, "Connections of one address; 0: no limit (0)", 0 },
    { "max-body", OPT_BODY, "SIZE", 0, "Largest body of a request (8M)", 0 },
    { "max-queue", OPT_QUEUE, "N", 0, "Requests that wait; more are refused with 429 (256)", 0 },
    { "max-queue-key", OPT_QUEUE_KEY, "N", 0, "Requests of one key that wait; 0: no limit of its own (0)",
      0 },
    { "idle-timeout", OPT_IDLE, "S", 0, "Close connections that send or take nothing for S seconds (60)", 0 },
    { "heartbeat", OPT_HEARTBEAT, "S", 0, "Send a comment into streams that are silent; 0: never (15)", 0 },
    { "queue-timeout", OPT_QUEUE_TIMEOUT, "S", 0, "Longest wait in the queue; 0: no limit (0)", 0 },
    { "first-token-timeout", OPT_FIRST_TOKEN_TIMEOUT, "S", 0, "Longest time to the first token (0)", 0 },
    { "request-timeout", OPT_REQUEST_TIMEOUT, "S", 0, "Longest time for a whole request (0)", 0 },
    { "stall-timeout", OPT_STALL_TIMEOUT, "S", 0, "/ready says no when steps stand still for S seconds (60)",
      0 },
    { "drain-timeout", OPT_DRAIN_TIMEOUT, "S", 0, "On SIGTERM, let answers run on for S seconds (30)", 0 },
    { 0 },
};

static error_t set_int(const struct argp_state *state, const char *option, const char *arg, int64_t low,
                       int64_t high, int *out)
{
    int64_t n;
    error_t why = cli_int(state, option, arg, low, high, &n);
    if (why == 0) *out = (int)n;
    return why;
}

static error_t set_seconds(const struct argp_state *state, const char *option, const char *arg, double *ms)
{
    float s;
    error_t why = cli_float(state, option, arg, 0, MAX_SECONDS, &s);
    if (why == 0) *ms = (double)s * 1000;
    return why;
}

static error_t parse_limits(int key, char *arg, const struct argp_state *state, serve_args *a)
{
    server_opts *o = &a->server;
    switch (key) {
    case OPT_THREADS: return set_int(state, "--http-threads", arg, 1, 64, &o->n_threads);
    case OPT_CONNECTIONS: return set_int(state, "--max-connections", arg, 1, 1 << 20, &o->max_connections);
    case OPT_CONNECTIONS_IP:
        return set_int(state, "--max-connections-ip", arg, 0, 1 << 20, &o->max_connections_ip);
    case OPT_BODY: return cli_size(state, "--max-body", arg, &o->max_body_bytes);
    case OPT_QUEUE: return set_int(state, "--max-queue", arg, 1, 1 << 20, &a->engine.max_queue);
    case OPT_QUEUE_KEY:
        return set_int(state, "--max-queue-key", arg, 0, 1 << 20, &a->engine.max_queue_client);
    case OPT_IDLE: return set_int(state, "--idle-timeout", arg, 1, MAX_SECONDS, &o->idle_s);
    case OPT_HEARTBEAT: return set_int(state, "--heartbeat", arg, 0, MAX_SECONDS, &o->heartbeat_s);
    case OPT_QUEUE_TIMEOUT: return set_seconds(state, "--queue-timeout", arg, &o->queue_ms);
    case OPT_FIRST_TOKEN_TIMEOUT: return set_seconds(state, "--first-token-timeout", arg, &o->first_token_ms);
    case OPT_REQUEST_TIMEOUT: return set_seconds(state, "--request-timeout", arg, &o->total_ms);
    case OPT_STALL_TIMEOUT: return set_int(state, "--stall-timeout", arg, 1, MAX_SECONDS, &o->stall_s);
    case OPT_DRAIN_TIMEOUT: return cli_int(state, "--drain-timeout", arg, 0, MAX_SECONDS, &a->drain_s);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    serve_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &a->engine;
        return 0;
    case OPT_HOST: a->server.host = arg; return 0;
    case OPT_PORT: return set_int(state, "--port", arg, 0, 65535, &a->server.port);
    case OPT_NAME: a->server.model_name = arg; return 0;
    case OPT_KEYS: a->server.key_file = arg; return 0;
    case OPT_ANONYMOUS: a->server.allow_anonymous = true; return 0;
    case OPT_METRICS_OPEN: a->server.metrics_open = true; return 0;
    case OPT_NO_WEB: a->server.no_web = true; return 0;
    case OPT_CORS: a->server.cors_origin = arg; return 0;
    case OPT_CERT: a->cert_path = arg; return 0;
    case OPT_KEY: a->key_path = arg; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END:
        if (!a->cert_path != !a->key_path) return cli_mistake(state, "--tls-cert and --tls-key go together");
        return a->model ? 0 : cli_mistake(state, "MODEL is missing");
    default: return parse_limits(key, arg, state, a);
    }
}

static const struct argp_child children[] = {
    { &common_argp, 0, "Computing:", 10 },
    { &serving_argp, 0, "Serving:", 20 },
    { 0 },
};
static const struct argp argp = {
    options,
    parse,
    "MODEL",
    "Serve a model over HTTP, with the OpenAI API.\v"
    "Example:\n  sumi serve smollm2 --port 8080\n"
    "  curl localhost:8080/v1/chat/completions -H 'Content-Type: application/json' \\\n"
    "    -d '{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'\n",
    children,
    NULL,
    NULL
};

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
    sigaddset(set, SIGHUP);
    sigprocmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a client that leaves is no reason to end */
}

/* Until a signal asks to end. */
static void wait_for_the_end(server *s, const sigset_t *set)
{
    sumi_error err;
    for (;;) {
        int number = 0;
        if (sigwait(set, &number) != 0 || number != SIGHUP) return;
        if (server_reload_keys(s, &err) != SUMI_OK) cli_fail("the keys stay as they were: %s", err.message);
    }
}

static sumi_status serve(serve_args *a, server *s, const sigset_t *set, sumi_error *err)
{
    sumi_model *m;
    sumi_engine *engine = NULL;
    bool v6 = strchr(a->server.host, ':') != NULL;
    sumi_status st = cli_open_model(&m, a->model, &a->common, err);
    if (st == SUMI_OK) st = sumi_engine_create(&engine, m, &a->engine, err);
    if (st == SUMI_OK) {
        server_attach(s, m, engine);
        printf("sumi: serving %s on %s://%s%s%s:%d\n", a->server.model_name, a->cert_path ? "https" : "http",
               v6 ? "[" : "", a->server.host, v6 ? "]" : "", server_port(s));
        fflush(stdout);
        wait_for_the_end(s, set);
        server_drain(s, a->drain_s * 1000);
    }
    server_destroy(s); /* before what it serves */
    sumi_engine_destroy(engine);
    sumi_model_close(m);
    return st;
}

static sumi_status run(serve_args *a, sumi_error *err)
{
    sigset_t set;
    server *s;
    char name[256], *cert = NULL, *key = NULL;
    size_t n;
    sumi_status st = SUMI_OK;
    name_of(a->model, name, sizeof name);
    if (!a->server.model_name) a->server.model_name = name;
    if (a->cert_path) st = cli_read_file(a->cert_path, MAX_PEM_BYTES, &cert, &n, err);
    if (st == SUMI_OK && a->key_path) st = cli_read_file(a->key_path, MAX_PEM_BYTES, &key, &n, err);
    a->server.tls_cert = cert;
    a->server.tls_key = key;
    a->server.max_queue = a->engine.max_queue;
    a->server.log = cli_print_log;
    a->server.log_user = &a->common;
    serving_take_common(&a->engine, &a->common);
    block_signals(&set);
    if (st == SUMI_OK) st = server_create(&s, &a->server, err);
    if (st == SUMI_OK) st = serve(a, s, &set, err);
    free(cert);
    free(key);
    return st;
}

int cmd_serve(int argc, char **argv)
{
    serve_args a = { .common = common_options_default(),
                     .engine = sumi_engine_opts_default(),
                     .server = server_opts_default(),
                     .drain_s = 30 };
    sumi_error err;
    a.server.model_name = NULL;
    a.engine.max_queue = 256;
    if (!cli_parse(&argp, argc, argv, &a)) return EXIT_USAGE;
    return run(&a, &err) == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}
