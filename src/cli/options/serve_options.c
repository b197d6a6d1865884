/* serve_options.c - see serve_options.h. */
#include "cli/options/serve_options.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/options/args.h"
#include "cli/options/serving.h"
#include "server/http/tls.h"

enum {
    OPT_HOST = 256,
    OPT_ALLOWED_HOST,
    OPT_PORT,
    OPT_NAME,
    OPT_ALIAS,
    OPT_POOLING,
    OPT_STRICT_ROLES,
    OPT_KEYS,
    OPT_API_KEY,
    OPT_HASH_KEY,
    OPT_ANONYMOUS,
    OPT_METRICS_OPEN,
    OPT_NO_WEB,
    OPT_CORS,
    OPT_CERT,
    OPT_KEY,
    OPT_PRIORITIES,
    OPT_PROXY,
    OPT_THREADS,
    OPT_CONNECTIONS,
    OPT_CONNECTIONS_IP,
    OPT_BODY,
    OPT_PROMPT_TOKENS,
    OPT_CHOICES,
    OPT_STOP,
    OPT_ANSWER_TOKENS,
    OPT_QUEUE,
    OPT_QUEUE_KEY,
    OPT_HEADER_TIMEOUT,
    OPT_BODY_TIMEOUT,
    OPT_IDLE,
    OPT_HEARTBEAT,
    OPT_QUEUE_TIMEOUT,
    OPT_FIRST_TOKEN_TIMEOUT,
    OPT_REQUEST_TIMEOUT,
    OPT_STALL_TIMEOUT,
    OPT_DRAIN_TIMEOUT,
    OPT_LOG_FORMAT,
    OPT_LOG_FILE,
    OPT_LOG_PROMPTS
};

enum { MAX_SECONDS = 86400 * 365 };

static const struct argp_option options[] = {
    { "model-name", OPT_NAME, "NAME", 0, "Name of the model for clients (default: the file's name)", 1 },
    { "model-alias", OPT_ALIAS, "NAMES", 0, "More names that clients may use, separated by commas; '*': any name", 1 },
    { "pooling", OPT_POOLING, "mean|last|cls", 0,
      "How the hidden states of a text become its embedding (default: as the model's file says, else mean)", 1 },
    { "strict-roles", OPT_STRICT_ROLES, NULL, 0,
      "Refuse chats that the model's template does not take, instead of moving system messages and joining turns of one "
      "role",
      1 },
    { "host", OPT_HOST, "ADDRESS", 0, "Address to listen on (127.0.0.1)", 1 },
    { "port", OPT_PORT, "N", 0, "Port to listen on; 0: any free port, which is printed (8080)", 1 },
    { "tls-cert", OPT_CERT, "FILE", 0, "Certificate for TLS (PEM), read again on SIGHUP", 1 },
    { "tls-key", OPT_KEY, "FILE", 0, "Private key of the certificate (PEM)", 1 },
    { "tls-priorities", OPT_PRIORITIES, "TEXT", 0,
      "Protocols and ciphers, in the notation of GnuTLS (TLS 1.2 and 1.3 with forward secrecy)", 1 },
    { "trusted-proxy", OPT_PROXY, "ADDRESS[/BITS]", 0,
      "Address of a proxy whose X-Forwarded-For is trusted; may be given many times (none)", 1 },
    { "http-threads", OPT_THREADS, "N", 0, "Threads for HTTP (2)", 1 },

    { NULL, 0, NULL, 0, "Who may send requests:", 2 },
    { "api-key-file", OPT_KEYS, "FILE", 0, "File with the names and SHA-256 sums of keys, read again on SIGHUP", 2 },
    { "api-key", OPT_API_KEY, "KEY", 0,
      "Key that clients must send. Other users of this machine see it in 'ps'; with --api-key-file they do not", 2 },
    { "hash-key", OPT_HASH_KEY, "NAME", 0,
      "Read a key from stdin (empty: make a new key), print its line for the key file, and end without serving", 2 },
    { "allow-anonymous", OPT_ANONYMOUS, NULL, 0, "Listen on addresses that other machines can reach, without keys", 2 },
    { "metrics-open", OPT_METRICS_OPEN, NULL, 0, "/metrics, /stats, /slots and /version need no key", 2 },
    { "allowed-host", OPT_ALLOWED_HOST, "NAME", 0,
      "Accept this name in the header Host of requests without a key; '.example': all names below it, '*': every name; "
      "may be given many times (addresses, localhost and names that nobody can own, such as those below .local)",
      2 },
    { "no-web", OPT_NO_WEB, NULL, 0, "Do not serve the web page at /", 2 },
    { "cors-origin", OPT_CORS, "ORIGIN", 0, "Origin of web pages that may send requests; '*': all (none)", 2 },

    { NULL, 0, NULL, 0, "Limits:", 3 },
    { "max-connections", OPT_CONNECTIONS, "N", 0, "Most open connections (1024)", 3 },
    { "max-connections-ip", OPT_CONNECTIONS_IP, "N", 0,
      "Most open connections from one address; 0: no limit (three quarters of --max-connections)", 3 },
    { "max-body", OPT_BODY, "SIZE", 0, "Largest body of a request (8M)", 3 },
    { "max-prompt-tokens", OPT_PROMPT_TOKENS, "N", 0, "Longest prompt, in tokens; 0: as long as the context (0)", 3 },
    { "max-choices", OPT_CHOICES, "N", 0, "Most answers to one prompt, 'n' and 'best_of' (16)", 3 },
    { "max-answer-tokens", OPT_ANSWER_TOKENS, "N", 0,
      "Longest answer, in tokens; a longer answer is cut there; 0: no limit (0)", 3 },
    { "max-stop", OPT_STOP, "N", 0, "Most stop strings in a request (16)", 3 },
    { "max-queue", OPT_QUEUE, "N", 0, "Most waiting requests; further requests are refused with 429 (256)", 3 },
    { "max-queue-key", OPT_QUEUE_KEY, "N", 0, "Most waiting requests of one key; 0: no limit (0)", 3 },

    { NULL, 0, NULL, 0, "Time limits, in seconds; 0: no limit:", 4 },
    { "header-timeout", OPT_HEADER_TIMEOUT, "S", 0, "Longest time to receive the headers of a request (10)", 4 },
    { "body-timeout", OPT_BODY_TIMEOUT, "S", 0, "Longest time to receive the body of a request (60)", 4 },
    { "queue-timeout", OPT_QUEUE_TIMEOUT, "S", 0, "Longest time in the queue (0)", 4 },
    { "first-token-timeout", OPT_FIRST_TOKEN_TIMEOUT, "S", 0, "Longest time to the first token (0)", 4 },
    { "request-timeout", OPT_REQUEST_TIMEOUT, "S", 0, "Longest time to the last token (0)", 4 },
    { "idle-timeout", OPT_IDLE, "S", 0, "Connections are closed after this many silent seconds (60)", 4 },
    { "heartbeat", OPT_HEARTBEAT, "S", 0,
      "Streams get a keep-alive comment after this many silent seconds; 0: never (15)", 4 },
    { "stall-timeout", OPT_STALL_TIMEOUT, "S", 0, "/ready fails when no step has finished for this long (60)", 4 },
    { "drain-timeout", OPT_DRAIN_TIMEOUT, "S", 0, "On SIGTERM, running answers may take this long to end (30)", 4 },

    { NULL, 0, NULL, 0, "Log:", 5 },
    { "log-format", OPT_LOG_FORMAT, "text|json", 0, "Format of the log: lines of text, or JSON objects (text)", 5 },
    { "log-file", OPT_LOG_FILE, "FILE", 0, "File that the log is appended to, opened again on SIGHUP (stderr)", 5 },
    { "log-prompts", OPT_LOG_PROMPTS, NULL, 0, "Log the bodies of requests, too; they contain the users' texts", 5 },
    { 0 },
};

static error_t set_int(const struct argp_state *state, const char *option, const char *arg, int64_t low, int64_t high,
                       int *out)
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

static error_t set_format(const struct argp_state *state, const char *arg, bool *json)
{
    *json = !strcmp(arg, "json");
    if (*json) cli_fail_as_json();
    if (*json || !strcmp(arg, "text")) return 0;
    return cli_mistake(state, "--log-format: '%s' is neither 'text' nor 'json'", arg);
}

/* A key must fit into an HTTP header. */
static error_t set_api_key(const struct argp_state *state, const char *arg, const char **out)
{
    bool good = *arg != '\0';
    for (const char *c = arg; *c; c++) good &= *c > ' ' && *c <= '~';
    if (!good) return cli_mistake(state, "--api-key: a key has ASCII characters and no spaces");
    *out = arg;
    return 0;
}

static error_t add_host(const struct argp_state *state, const char *arg, serve_args *a)
{
    bool is_name = *arg && !strpbrk(arg, "/:@ ") && (!strchr(arg, '*') || !strcmp(arg, "*"));
    if (!is_name)
        return cli_mistake(state, "--allowed-host: '%s' is not a name such as llm.example, .example or *", arg);
    if (a->server.n_allowed_hosts == MAX_ALLOWED_HOSTS)
        return cli_mistake(state, "--allowed-host: more than %d names", MAX_ALLOWED_HOSTS);
    a->allowed_hosts[a->server.n_allowed_hosts++] = arg;
    return 0;
}

static error_t add_proxy(const struct argp_state *state, const char *arg, serve_args *a)
{
    int *n = &a->server.n_trusted_proxies;
    if (*n == MAX_TRUSTED_PROXIES)
        return cli_mistake(state, "--trusted-proxy: more than %d addresses", MAX_TRUSTED_PROXIES);
    if (!ip_range_parse(&a->trusted_proxies[*n], arg))
        return cli_mistake(state, "--trusted-proxy: '%s' is not an address such as 10.0.0.1, 10.0.0.0/8 or ::1", arg);
    ++*n;
    return 0;
}

static error_t set_priorities(const struct argp_state *state, const char *arg, const char **out)
{
    const char *wrong;
    *out = arg;
    if (tls_check_priorities(arg, &wrong)) return 0;
    return cli_mistake(state, "--tls-priorities: GnuTLS does not know '%s'", wrong);
}

/* As browsers write it in the header Origin: scheme, name and port, in small letters. */
static error_t set_origin(const struct argp_state *state, const char *arg, const char **out)
{
    const char *host = !strncmp(arg, "http://", 7) ? arg + 7 : !strncmp(arg, "https://", 8) ? arg + 8 : "";
    *out = arg;
    bool is_origin = *host && !host[strcspn(host, "/*?#@ ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
    if (is_origin || !strcmp(arg, "*")) return 0;
    return cli_mistake(state, "--cors-origin: '%s' is not an origin such as https://chat.example:8443, or *", arg);
}

static error_t parse_times(int key, const char *arg, const struct argp_state *state, serve_args *a)
{
    server_opts *o = &a->server;
    switch (key) {
    case OPT_HEADER_TIMEOUT: return set_seconds(state, "--header-timeout", arg, &o->header_ms);
    case OPT_BODY_TIMEOUT: return set_seconds(state, "--body-timeout", arg, &o->body_ms);
    case OPT_QUEUE_TIMEOUT: return set_seconds(state, "--queue-timeout", arg, &o->queue_ms);
    case OPT_FIRST_TOKEN_TIMEOUT: return set_seconds(state, "--first-token-timeout", arg, &o->first_token_ms);
    case OPT_REQUEST_TIMEOUT: return set_seconds(state, "--request-timeout", arg, &o->total_ms);
    case OPT_IDLE: return set_int(state, "--idle-timeout", arg, 1, MAX_SECONDS, &o->idle_s);
    case OPT_HEARTBEAT: return set_int(state, "--heartbeat", arg, 0, MAX_SECONDS, &o->heartbeat_s);
    case OPT_STALL_TIMEOUT: return set_int(state, "--stall-timeout", arg, 1, MAX_SECONDS, &o->stall_s);
    case OPT_DRAIN_TIMEOUT: return cli_int(state, "--drain-timeout", arg, 0, MAX_SECONDS, &a->drain_s);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t set_body(const struct argp_state *state, const char *arg, size_t *out)
{
    error_t st = cli_size(state, "--max-body", arg, out);
    if (st || *out <= SERVER_MOST_BODY_BYTES) return st;
    return cli_mistake(state, "--max-body: %s is more than 1T", arg);
}

static error_t parse_limits(int key, char *arg, const struct argp_state *state, serve_args *a)
{
    server_opts *o = &a->server;
    switch (key) {
    case OPT_THREADS: return set_int(state, "--http-threads", arg, 1, 64, &o->n_threads);
    case OPT_CONNECTIONS: return set_int(state, "--max-connections", arg, 1, 1 << 20, &o->max_connections);
    case OPT_CONNECTIONS_IP: return set_int(state, "--max-connections-ip", arg, 0, 1 << 20, &o->max_connections_ip);
    case OPT_BODY: return set_body(state, arg, &o->max_body_bytes);
    case OPT_PROMPT_TOKENS: return set_int(state, "--max-prompt-tokens", arg, 0, INT32_MAX, &o->max_prompt_tokens);
    case OPT_CHOICES: return set_int(state, "--max-choices", arg, 1, SUMI_MAX_CHOICES, &o->max_choices);
    case OPT_ANSWER_TOKENS: return set_int(state, "--max-answer-tokens", arg, 0, INT32_MAX, &o->max_answer_tokens);
    case OPT_STOP: return set_int(state, "--max-stop", arg, 0, 1024, &o->max_stop);
    case OPT_QUEUE: return set_int(state, "--max-queue", arg, 1, 1 << 20, &a->engine.max_queue);
    case OPT_QUEUE_KEY: return set_int(state, "--max-queue-key", arg, 0, 1 << 20, &a->engine.max_queue_client);
    default: return parse_times(key, arg, state, a);
    }
}

static error_t check(const struct argp_state *state, const serve_args *a)
{
    if (!a->server.tls_cert != !a->server.tls_key) return cli_mistake(state, "--tls-cert and --tls-key go together");
    return a->model || a->new_key ? 0 : cli_mistake(state, "MODEL is missing");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    serve_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engine;
        a->settings.opts = &a->generate;
        state->child_inputs[1] = &a->settings;
        state->child_inputs[2] = &a->common;
        return 0;
    case OPT_HOST: a->server.host = arg; return 0;
    case OPT_ALLOWED_HOST: return add_host(state, arg, a);
    case OPT_PORT: return set_int(state, "--port", arg, 0, 65535, &a->server.port);
    case OPT_NAME: a->server.model_name = arg; return 0;
    case OPT_ALIAS: a->server.model_aliases = arg; return 0;
    case OPT_POOLING: return cli_pooling(state, "--pooling", arg, &a->server.pooling);
    case OPT_STRICT_ROLES: a->common.model.strict_roles = true; return 0;
    case OPT_KEYS: a->server.key_file = arg; return 0;
    case OPT_API_KEY: return set_api_key(state, arg, &a->server.api_key);
    case OPT_HASH_KEY: a->new_key = arg; return 0;
    case OPT_ANONYMOUS: a->server.allow_anonymous = true; return 0;
    case OPT_METRICS_OPEN: a->server.metrics_open = true; return 0;
    case OPT_NO_WEB: a->server.no_web = true; return 0;
    case OPT_CORS: return set_origin(state, arg, &a->server.cors_origin);
    case OPT_CERT: a->server.tls_cert = arg; return 0;
    case OPT_KEY: a->server.tls_key = arg; return 0;
    case OPT_PRIORITIES: return set_priorities(state, arg, &a->server.tls_priorities);
    case OPT_PROXY: return add_proxy(state, arg, a);
    case OPT_LOG_FORMAT: return set_format(state, arg, &a->common.log_json);
    case OPT_LOG_FILE: a->log_path = arg; return 0;
    case OPT_LOG_PROMPTS: a->server.log_prompts = true; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END: return check(state, a);
    default: return parse_limits(key, arg, state, a);
    }
}

static const struct argp_child children[] = {
    { &serving_argp, 0, "Serving many requests at once:", 10 },
    { &settings_serve_argp, 0, "Answers whose requests lack the field:", 15 },
    { &common_argp, 0, "Computing:", 20 },
    { 0 },
};

const struct argp serve_argp = { options,
                                 parse,
                                 "MODEL",
                                 "Serve a model over HTTP, with the APIs of OpenAI, Anthropic and Ollama.\v"
                                 "Example:\n  sumi serve smollm2 --port 8080\n"
                                 "  curl localhost:8080/v1/chat/completions -H 'Content-Type: application/json' \\\n"
                                 "    -d '{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'\n",
                                 children,
                                 NULL,
                                 NULL };

serve_args serve_args_default(void)
{
    serve_args a = { .common = common_options_default(),
                     .engine = sumi_engine_opts_default(),
                     .server = server_opts_default(),
                     .generate = sumi_generate_opts_default(),
                     .drain_s = 30 };
    a.common.log_level = SUMI_LOG_INFO;
    a.server.model_name = NULL;
    a.engine.max_queue = 256;
    return a;
}
