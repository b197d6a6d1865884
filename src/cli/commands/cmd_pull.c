/* cmd_pull.c - sumi pull: a model from the net into the store. Prints the path that can be opened; all else goes to
 * stderr. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/os/clock.h"
#include "base/printable.h"
#include "cli/cli.h"
#include "cli/options/args.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "store/pull.h"

#define MAX_TOKEN 512

typedef struct pull_args {
    const char *model, *endpoint, *token_file;
    digest want;
    bool want_beside, dry_run, quiet, json;
    int64_t timeout_s, n_retries;
    float retry_s;
    char token[MAX_TOKEN];
    /* the bar of the file under way */
    progress bar;
    int64_t first;
    char what[64], note[96];
} pull_args;

enum { OPT_ENDPOINT = 256, OPT_TOKEN_FILE, OPT_SHA256, OPT_CHECK, OPT_TIMEOUT, OPT_RETRIES, OPT_RETRY_WAIT, OPT_JSON };

static const struct argp_option options[] = {
    { "endpoint", OPT_ENDPOINT, "URL", 0, "Address of a mirror of the hub or registry ($HF_ENDPOINT, $OLLAMA_REGISTRY)",
      0 },
    { "token-file", OPT_TOKEN_FILE, "FILE", 0,
      "File with a Hugging Face token for gated and private models ($HF_TOKEN)", 0 },
    { "sha256", OPT_SHA256, "HEX", 0, "SHA-256 that the file of a URL must have", 0 },
    { "check-sha256", OPT_CHECK, NULL, 0, "Check the file of a URL against the SHA-256 in URL.sha256", 0 },
    { "dry-run", 'n', NULL, 0, "Only list the files that would be downloaded", 0 },
    { "json", OPT_JSON, NULL, 0, "Print one JSON object: path, files with their sizes", 0 },
    { "quiet", 'q', NULL, 0, "No progress bar and no notices", 0 },
    { "timeout", OPT_TIMEOUT, "SECONDS", 0, "Seconds without a byte after which a connection is given up (60)", 0 },
    { "retries", OPT_RETRIES, "N", 0, "Retries in a row without a new byte (5)", 0 },
    { "retry-wait", OPT_RETRY_WAIT, "SECONDS", 0, "Seconds before the first retry, doubled each time (1)", 0 },
    { 0 },
};

static error_t parse_end(const struct argp_state *state, const pull_args *a)
{
    bool is_url = a->model && (!strncmp(a->model, "http://", 7) || !strncmp(a->model, "https://", 8));
    if (!a->model) return cli_mistake(state, "which MODEL?");
    if ((a->want.kind || a->want_beside) && !is_url)
        return cli_mistake(state, "--sha256 and --check-sha256 are for URLs only; hubs give the SHA-256 of each file");
    if (a->want.kind && a->want_beside) return cli_mistake(state, "--sha256 or --check-sha256, not both");
    if (a->endpoint && strncmp(a->endpoint, "http://", 7) != 0 && strncmp(a->endpoint, "https://", 8) != 0)
        return cli_mistake(state, "--endpoint: '%s' is not an http or https URL", a->endpoint);
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    pull_args *a = state->input;
    switch (key) {
    case OPT_ENDPOINT: a->endpoint = arg; return 0;
    case OPT_TOKEN_FILE: a->token_file = arg; return 0;
    case OPT_SHA256:
        if (digest_parse(&a->want, DIGEST_SHA256, arg, strlen(arg))) return 0;
        return cli_mistake(state, "--sha256: '%s' is not 64 hexadecimal digits", arg);
    case OPT_CHECK: a->want_beside = true; return 0;
    case 'n': a->dry_run = true; return 0;
    case 'q': a->quiet = true; return 0;
    case OPT_JSON: a->json = true; return 0;
    case OPT_TIMEOUT: return cli_int(state, "--timeout", arg, 1, 3600, &a->timeout_s);
    case OPT_RETRIES: return cli_int(state, "--retries", arg, 0, 1000, &a->n_retries);
    case OPT_RETRY_WAIT: return cli_float(state, "--retry-wait", arg, 0, 60, &a->retry_s);
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END: return parse_end(state, a);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp pull_argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "MODEL",
    .doc =
        "Fetch a model into the models folder: $SUMI_MODELS, or $XDG_CACHE_HOME/sumi, or ~/.cache/sumi. "
        "The same command resumes an interrupted download. The files of a model that was fetched before are checked. "
        "The command prints the path of the model."
        "\vMODEL is\n"
        "  hf:OWNER/NAME            a model of huggingface.co: its Q4_K_M file, or\n"
        "                           the nearest type; if it has no GGUF files, the\n"
        "                           folder of safetensors\n"
        "  hf:OWNER/NAME:Q8_0       the file of that quantisation\n"
        "  hf:OWNER/NAME:FILE.gguf  that file; ':safetensors' for that folder\n"
        "  hf:OWNER/NAME@REVISION   a branch, a tag or a commit\n"
        "  ollama:NAME[:TAG]        a model of Ollama's registry, also written\n"
        "                           NAME[:TAG]; HOST/NAMESPACE/ may precede NAME\n"
        "  https://HOST/FILE.gguf   a file\n"
        "'hf.co/OWNER/NAME' and addresses of pages of huggingface.co mean the same as 'hf:'.\n\n"
        "Examples:\n"
        "  sumi pull hf:bartowski/SmolLM2-135M-Instruct-GGUF\n"
        "  sumi run hf:bartowski/SmolLM2-135M-Instruct-GGUF\n"
        "  sumi pull ollama:smollm2:135m && sumi run smollm2:135m\n"
        "  sumi pull https://example.org/model.gguf --sha256 9f86d081...",
};

/* ---- What is shown ---- */

static void show_note(void *user, const char *text)
{
    pull_args *a = user;
    if (a->quiet) return;
    progress_end(&a->bar);
    fprintf(stderr, "sumi: %s\n", text);
}

static void begin_file(void *user, const char *name, int64_t have, int64_t n_bytes)
{
    pull_args *a = user;
    printable_copy(a->what, sizeof a->what, name_base(name), strlen(name_base(name)));
    a->bar = progress_start(a->what, n_bytes);
    a->bar.first = have;
    a->bar.on &= !a->quiet;
    a->first = have;
}

static void show_bytes(char *out, size_t n_out, double n)
{
    snprintf(out, n_out, n < 0x1p30 ? "%.1f MiB" : "%.2f GiB", n < 0x1p30 ? n / 0x1p20 : n / 0x1p30);
}

static void show_progress(void *user, int64_t done, int64_t n_bytes)
{
    pull_args *a = user;
    char have[32], speed[32];
    double seconds = (clock_ms() - a->bar.start_ms) / 1000;
    if (!a->bar.on) return;
    if (done < a->bar.first) a->bar.first = a->first = 0; /* the download started over */
    if (n_bytes >= 0) a->bar.total = n_bytes > 0 ? n_bytes : 1;
    else a->bar.total = done + 1; /* unknown: the bar stays at its end, and the note shows the bytes */
    show_bytes(have, sizeof have, (double)done);
    show_bytes(speed, sizeof speed, seconds > 0.1 ? (double)(done - a->first) / seconds : 0);
    snprintf(a->note, sizeof a->note, "%s, %s/s", have, speed);
    progress_show(&a->bar, done, a->note);
}

static void end_file(void *user)
{
    pull_args *a = user;
    progress_end(&a->bar);
    a->bar.on = 0;
}

static bool was_interrupted(void *user)
{
    (void)user;
    return interrupt_pending();
}

/* ---- The command ---- */

/* The first line of a file, without the blanks around it. */
static sumi_status read_token(pull_args *a, sumi_error *err)
{
    char *text;
    size_t n;
    sumi_status st = cli_read_file(a->token_file, MAX_TOKEN - 1, &text, &n, err);
    if (st != SUMI_OK) return st;
    const char *start = text + strspn(text, " \t\r\n");
    snprintf(a->token, sizeof a->token, "%.*s", (int)strcspn(start, " \t\r\n"), start);
    free(text);
    return *a->token ? SUMI_OK : sumi_fail(err, SUMI_EINVAL, "%s: the file has no token", a->token_file);
}

static sumi_status take_token(pull_args *a, sumi_error *err)
{
    const char *token = getenv("HF_TOKEN");
    if (a->token_file) return read_token(a, err);
    if (token && strlen(token) < sizeof a->token) snprintf(a->token, sizeof a->token, "%s", token);
    if (strpbrk(a->token, "\r\n")) return sumi_fail(err, SUMI_EINVAL, "HF_TOKEN: more than one line");
    return SUMI_OK;
}

/* The variable that names a mirror; "" counts as not set. */
static const char *endpoint_of(const pull_args *a, ref_kind kind)
{
    const char *env = kind == REF_HF ? getenv("HF_ENDPOINT") : kind == REF_OLLAMA ? getenv("OLLAMA_REGISTRY") : NULL;
    return a->endpoint ? a->endpoint : env && *env ? env : NULL;
}

static void print_plan(const pull_plan *p)
{
    for (int32_t i = 0; i < p->files.n; i++) {
        char size[32] = "size not known";
        if (p->files.files[i].n_bytes >= 0) show_bytes(size, sizeof size, (double)p->files.files[i].n_bytes);
        printf("%-60s %s\n", p->files.files[i].path, size);
    }
}

/* path: NULL with --dry-run, because it is known only after the download. Sizes that the hub does not give are null. */
static int print_json(const pull_plan *p, const char *path)
{
    json_t *files = json_array(), *o = json_pack("{s:s?, s:o}", "path", path, "files", files);
    bool ok = o != NULL;
    for (int32_t i = 0; ok && i < p->files.n; i++) {
        int64_t n = p->files.files[i].n_bytes;
        json_t *file = json_pack("{s:s, s:o}", "path", p->files.files[i].path, "bytes",
                                 n >= 0 ? json_integer((json_int_t)n) : json_null());
        ok = json_array_append_new(files, file) == 0;
    }
    if (!ok) {
        json_decref(o);
        return cli_fail("the JSON: out of memory, or %s is no UTF-8", path ? path : "a path");
    }
    sumi_error err;
    return cli_write_json(o, JSON_COMPACT | JSON_ENSURE_ASCII, &err) == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}

static int report(const pull_args *a, sumi_status st, const pull_plan *plan, const char *path, const sumi_error *err)
{
    if (st == SUMI_ECANCELLED) {
        cli_fail("interrupted: the downloaded part is kept, and the same command resumes the download");
        return EXIT_INTERRUPTED;
    }
    if (st != SUMI_OK) return cli_fail_error(err);
    if (a->json) return print_json(plan, a->dry_run ? NULL : path);
    if (a->dry_run) print_plan(plan);
    else printf("%s\n", path);
    return EXIT_DONE;
}

int cmd_pull(int argc, char **argv)
{
    pull_args a = { .timeout_s = 60, .n_retries = 5, .retry_s = 1 };
    sumi_error err;
    model_ref ref;
    pull_plan plan = { 0 };
    char path[STORE_MAX_PATH] = "";
    if (!cli_parse(&pull_argp, argc, argv, &a)) return EXIT_USAGE;
    if (ref_parse(&ref, a.model, &err) != SUMI_OK) return cli_fail_error(&err);
    if (ref.kind == REF_HF && take_token(&a, &err) != SUMI_OK) return cli_fail_error(&err);
    store_places places = cli_places();
    pull_opts o = {
        .root = places.folders[places.own],
        .endpoint = endpoint_of(&a, ref.kind),
        .token = *a.token ? a.token : NULL,
        .want = a.want,
        .want_beside = a.want_beside,
        .dry_run = a.dry_run,
        .fetch = { .ca_file = getenv("SSL_CERT_FILE"),
                   .timeout_s = (int32_t)a.timeout_s,
                   .n_retries = (int32_t)a.n_retries,
                   .retry_ms = (int32_t)(a.retry_s * 1000) },
        .watch = { &a, show_note, begin_file, show_progress, end_file, was_interrupted },
    };
    interrupt_install();
    signal(SIGPIPE, SIG_IGN); /* a server that closes the connection gives an error message */
    sumi_status st = pull(&ref, &o, &plan, path, sizeof path, &err);
    int code = report(&a, st, &plan, path, &err);
    pull_plan_deinit(&plan);
    return code;
}
