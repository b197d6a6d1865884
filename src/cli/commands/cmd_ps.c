/* cmd_ps.c - sumi ps: shows the state of a running server, from its /stats. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_read.h"
#include "base/printable.h"
#include "cli/cli.h"
#include "cli/options/args.h"
#include "store/fetch.h"

#define DEFAULT_URL "http://127.0.0.1:8080"

enum { OPT_URL = 256, OPT_JSON };
enum { MAX_ANSWER_BYTES = 1 << 16, TIMEOUT_S = 5 };

typedef struct ps_args {
    const char *url;
    bool json;
} ps_args;

static const struct argp_option options[] = {
    { "url", OPT_URL, "URL", 0, "Address of the server (" DEFAULT_URL ")", 0 },
    { "json", OPT_JSON, NULL, 0, "Print the server's answer to GET /stats, one JSON object", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    ps_args *a = state->input;
    switch (key) {
    case OPT_URL:
        a->url = arg;
        if (!strncmp(arg, "http://", 7) || !strncmp(arg, "https://", 8)) return 0;
        return cli_mistake(state, "--url: '%s' is not an http or https URL", arg);
    case OPT_JSON: a->json = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ps_argp = {
    .options = options,
    .parser = parse_option,
    .doc =
        "Show the state of a running server: model, requests, context. A server with keys needs a key in $SUMI_API_KEY, "
        "unless it was started with --metrics-open."
        "\vExamples:\n"
        "  sumi ps\n"
        "  sumi ps --url http://10.0.0.7:8080 --json",
};

static sumi_status ask(const ps_args *a, buf *text, sumi_error *err)
{
    char url[1024];
    fetcher *f;
    fetch_opts o = fetch_opts_default();
    size_t n = strlen(a->url);
    while (n > 0 && a->url[n - 1] == '/') n--;
    if (snprintf(url, sizeof url, "%.*s/stats", (int)(n < sizeof url ? n : sizeof url), a->url) >= (int)sizeof url)
        return sumi_fail(err, SUMI_EINVAL, "--url: the URL is too long");
    o.timeout_s = TIMEOUT_S;
    o.n_retries = 0;
    o.ca_file = getenv("SSL_CERT_FILE");
    sumi_status st = fetcher_create(&f, &o, err);
    if (st != SUMI_OK) return st;
    const char *key = getenv("SUMI_API_KEY");
    const fetch_source source = { .url = url, .token = key && *key ? key : NULL };
    st = fetch_text(f, &source, text, err);
    long status = fetch_http_status(f);
    fetcher_destroy(f);
    if (st != SUMI_OK && st != SUMI_ENOMEM && status == 0)
        return sumi_fail(err, st, "no server answers at %s; 'sumi serve MODEL' starts one", a->url);
    if (status == 401 || status == 403)
        return sumi_fail(err, st, "%s: the server needs a key that may use /stats: set SUMI_API_KEY", a->url);
    return st;
}

static int64_t number(const json_t *o, const char *group, const char *key)
{
    return json_integer_value(json_object_get(group ? json_object_get(o, group) : o, key));
}

static void copy(const json_t *o, const char *key, char *out, size_t n_out)
{
    const json_t *v = json_object_get(o, key);
    const char *text = json_is_string(v) ? json_string_value(v) : "-";
    printable_copy(out, n_out, text, strlen(text));
}

static void print_table(const json_t *o, const char *url)
{
    char model[200], state[32], uptime[32];
    copy(o, "model", model, sizeof model);
    copy(o, "state", state, sizeof state);
    int width = strlen(model) > 5 ? (int)strlen(model) : 5;
    snprintf(uptime, sizeof uptime, "%lld s", (long long)number(o, NULL, "uptime_s"));
    printf("%-*s  %-9s %7s %7s %8s %10s  %s\n", width, "MODEL", "STATE", "RUNNING", "WAITING", "CONTEXT", "UPTIME",
           "URL");
    printf("%-*s  %-9s %7lld %7lld %8lld %10s  %s\n", width, model, state, (long long)number(o, "requests", "running"),
           (long long)number(o, "requests", "waiting"), (long long)number(o, "tokens", "context"), uptime, url);
}

int cmd_ps(int argc, char **argv)
{
    ps_args a = { .url = DEFAULT_URL };
    sumi_error err;
    buf text;
    if (!cli_parse(&ps_argp, argc, argv, &a)) return EXIT_USAGE;
    buf_init(&text, MAX_ANSWER_BYTES);
    sumi_status st = ask(&a, &text, &err);
    json_error_t why = { 0 };
    json_t *o = st == SUMI_OK ? json_read(text.data ? text.data : "", text.n, 0, &why) : NULL;
    if (st == SUMI_OK && !o && json_read_status(&why, SUMI_EFORMAT) == SUMI_ENOMEM)
        st = json_read_fail(&err, &why, SUMI_EFORMAT, a.url);
    else if (st == SUMI_OK && !json_is_object(json_object_get(o, "requests")))
        st = sumi_fail(&err, SUMI_EFORMAT, "%s: this is not a sumi server: its /stats has other fields", a.url);
    if (st == SUMI_OK && a.json) printf("%.*s\n", (int)text.n, text.data);
    else if (st == SUMI_OK) print_table(o, a.url);
    json_decref(o);
    buf_deinit(&text);
    return st == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}
