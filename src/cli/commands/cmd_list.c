/* cmd_list.c - sumi list: the models that are here, by the names that other commands know them by. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/printable.h"
#include "cli/cli.h"
#include "cli/commands/info.h"
#include "cli/options/args.h"
#include "cli/options/help.h"
#include "compress/file_type.h"
#include "hf/model_source_open.h"

typedef struct list_args {
    bool json, names;
} list_args;

enum { OPT_JSON = 256, OPT_NAMES };

static const struct argp_option options[] = {
    { "json", OPT_JSON, NULL, 0, "One JSON array: name, path, bytes, modified, architecture, parameters, type", 0 },
    { "names", OPT_NAMES, NULL, 0, "Only names, one on each line; fast, because no file is opened", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    list_args *a = state->input;
    (void)arg;
    switch (key) {
    case OPT_JSON: a->json = true; return 0;
    case OPT_NAMES: a->names = true; return 0;
    case ARGP_KEY_END: return a->json && a->names ? cli_mistake(state, "--json or --names, not both") : 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp list_argp = {
    .options = options,
    .parser = parse_option,
    .doc =
        "Show the models on this machine: in $SUMI_MODELS, ./models and $XDG_CACHE_HOME/sumi or "
        "~/.cache/sumi, where "
        "'sumi pull' puts them. Every command takes the names as MODEL. On a terminal, date and path are shown where they fit."
        "\vExamples:\n"
        "  sumi list\n"
        "  sumi list --json | jq -r '.[] | select(.bytes > 1e9) | .name'",
};

/* Data from the file; all empty if it cannot be read. */
typedef struct about {
    char architecture[64], type[16]; /* type: the file type, else the type of most parameters */
    uint64_t n_params;
    bool failed;
    sumi_error error;
} about;

static void look_into(const store_model *m, about *out)
{
    model_source *src;
    info_summary s;
    *out = (about){ 0 };
    if (m->partial) return;
    if (model_source_open(&src, m->path, NULL, &out->error) != SUMI_OK) {
        out->failed = true;
        return;
    }
    info_summarise(src, &s);
    printable_copy(out->architecture, sizeof out->architecture, s.architecture.n ? s.architecture.data : "",
                   s.architecture.n);
    out->n_params = s.n_params;
    snprintf(out->type, sizeof out->type, "%s", file_type_name(src));
    model_source_close(src);
}

static void show_size(char *out, size_t n_out, double n)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    int unit = 0;
    for (; n >= 1024 && unit < 4; unit++) n /= 1024;
    snprintf(out, n_out, "%.*f %s", unit ? 1 : 0, n, units[unit]);
}

static void show_params(char *out, size_t n_out, uint64_t n)
{
    if (n == 0) snprintf(out, n_out, "-");
    else if (n < 1000000000) snprintf(out, n_out, "%.0f M", (double)n / 1e6);
    else snprintf(out, n_out, "%.1f B", (double)n / 1e9);
}

static bool stat_first(const store_model *m, struct stat *out)
{
    return stat(m->n_files ? m->files[0] : m->path, out) == 0;
}

/* The first model of the list that is the same file as model i under another path (hard link); NULL: none. *again: one before
 * has the same name too, as where one place is linked into another. */
static const store_model *same_file(const store_list *l, int32_t i, bool *again)
{
    struct stat mine, other;
    const store_model *first = NULL;
    *again = false;
    if (!stat_first(&l->models[i], &mine)) return NULL;
    for (int32_t k = 0; k < i; k++) {
        if (!stat_first(&l->models[k], &other) || mine.st_dev != other.st_dev || mine.st_ino != other.st_ino) continue;
        if (!first) first = &l->models[k];
        *again = *again || !strcmp(l->models[k].name, l->models[i].name);
    }
    return first;
}

/* The columns after the name take 47 characters; date and path are shown if they fit. */
enum { ROW = 47, DATE = 12, MIN_NAME = 32, MAX_NAME = 60 };

typedef struct table {
    int name, path; /* widths of the longest; name at most MAX_NAME */
    bool has_date, has_path;
} table;

static table measure(const store_list *l)
{
    table t = { .name = 4 };
    int columns = help_columns(), room = MAX_NAME;
    if (columns && columns - ROW < room) room = columns - ROW > MIN_NAME ? columns - ROW : MIN_NAME;
    for (int32_t i = 0; i < l->n; i++) {
        int n = (int)strlen(l->models[i].name), n_path = (int)strlen(l->models[i].path);
        if (n <= room && n > t.name) t.name = n;
        if (n_path > t.path) t.path = n_path;
    }
    t.has_date = !columns || t.name + ROW + DATE <= columns;
    t.has_path = !columns || t.name + ROW + DATE + 2 + t.path <= columns;
    return t;
}

/* False: out of memory, so the row says too little. */
static bool print_row(const store_list *l, int32_t i, const table *t)
{
    bool again;
    const store_model *m = &l->models[i], *same = same_file(l, i, &again);
    char name[STORE_MAX_PATH], path[STORE_MAX_PATH], size[16], params[16], date[32];
    about a;
    struct tm when;
    if (again) return true;
    printable_copy(name, sizeof name, m->name, strlen(m->name));
    bool fits = (int)strlen(name) <= t->name;
    printf("%-*s%s", t->name, name, fits ? "" : "\n"); /* a long name has a line of its own */
    if (!fits) printf("%*s", t->name, "");
    if (same) {
        printable_copy(name, sizeof name, same->name, strlen(same->name));
        bool long_row = help_columns() && t->name + 19 + (int)strlen(name) > help_columns();
        printf("  the same file as%s%s\n", long_row ? "\n  " : " ", name);
        return true;
    }
    look_into(m, &a);
    show_size(size, sizeof size, (double)m->n_bytes);
    show_params(params, sizeof params, a.n_params);
    strftime(date, sizeof date, "%Y-%m-%d", localtime_r(&m->modified, &when));
    printable_copy(path, sizeof path, m->path, strlen(m->path));
    bool no_memory = a.failed && a.error.status == SUMI_ENOMEM;
    const char *why_not = a.error.status == SUMI_EUNSUPPORTED ? "unsupported" : no_memory ? "no memory" : "unreadable";
    const char *what = m->partial ? "not whole" : a.failed ? why_not : *a.architecture ? a.architecture : "-";
    printf(" %10s  %-12s %7s  %-11s", size, what, params, *a.type ? a.type : "-");
    if (t->has_date) printf("  %s", date);
    if (t->has_path) printf("  %s", path);
    putchar('\n');
    return !no_memory;
}

static int print_table(const store_list *l, const store_places *p)
{
    table t = measure(l);
    if (l->n == 0) {
        fprintf(stderr, "sumi: there are no models in");
        for (int32_t i = 0; i < p->n; i++) fprintf(stderr, "%s %s", i ? "," : "", p->folders[i]);
        fprintf(stderr, "; 'sumi pull --help' explains how to get one\n");
        return EXIT_DONE;
    }
    printf("%-*s %10s  %-12s %7s  %-11s%s%s\n", t.name, "NAME", "SIZE", "ARCHITECTURE", "PARAMS", "TYPE",
           t.has_date ? "  MODIFIED" : "", t.has_path ? "    PATH" : "");
    bool ok = true;
    for (int32_t i = 0; i < l->n; i++) ok &= print_row(l, i, &t);
    return ok ? EXIT_DONE : cli_fail("out of memory");
}

/* Text of unknown origin: invalid bytes become '?'. */
static json_t *json_text(const char *text)
{
    char shown[STORE_MAX_PATH];
    printable_copy(shown, sizeof shown, text, strlen(text));
    return json_string(shown);
}

static json_t *json_model(const store_list *l, int32_t i)
{
    bool again;
    const store_model *m = &l->models[i], *same = same_file(l, i, &again);
    about a;
    look_into(m, &a);
    if (a.failed && a.error.status == SUMI_ENOMEM) return NULL;
    json_t *o = json_pack("{s:o, s:o, s:I, s:I, s:i, s:b}", "name", json_text(m->name), "path", json_text(m->path),
                          "bytes", (json_int_t)m->n_bytes, "modified", (json_int_t)m->modified, "files",
                          (int)m->n_files, "whole", !m->partial);
    int failed = !o;
    failed |= json_object_set_new(o, "architecture", *a.architecture ? json_text(a.architecture) : json_null());
    failed |= json_object_set_new(o, "n_params", a.n_params ? json_integer((json_int_t)a.n_params) : json_null());
    failed |= json_object_set_new(o, "type", *a.type ? json_string(a.type) : json_null());
    if (same) failed |= json_object_set_new(o, "same_file_as", json_text(same->name));
    if (a.failed) failed |= json_object_set_new(o, "error", json_text(a.error.message));
    if (!failed) return o;
    json_decref(o);
    return NULL;
}

static int print_json(const store_list *l)
{
    json_t *root = json_array();
    bool ok = root != NULL;
    for (int32_t i = 0; ok && i < l->n; i++) ok = json_array_append_new(root, json_model(l, i)) == 0;
    if (!ok) {
        json_decref(root);
        return cli_fail("out of memory");
    }
    sumi_error err;
    return cli_write_json(root, JSON_INDENT(2) | JSON_ENSURE_ASCII, &err) == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}

/* Each name once: the order of the folders decides which model it means. */
static void print_names(const store_list *l)
{
    for (int32_t i = 0; i < l->n; i++) {
        char name[STORE_MAX_PATH];
        int32_t k = 0;
        while (strcmp(l->models[k].name, l->models[i].name) != 0) k++;
        if (k < i) continue;
        printable_copy(name, sizeof name, l->models[i].name, strlen(l->models[i].name));
        puts(name);
    }
}

int cmd_list(int argc, char **argv)
{
    list_args a = { 0 };
    sumi_error err;
    store_list l;
    if (!cli_parse(&list_argp, argc, argv, &a)) return EXIT_USAGE;
    store_places p = cli_places();
    if (store_scan(&p, &l, &err) != SUMI_OK) return cli_fail_error(&err);
    int code = EXIT_DONE;
    if (a.json) code = print_json(&l);
    else if (!a.names) code = print_table(&l, &p);
    if (a.names) print_names(&l);
    store_list_deinit(&l);
    return code;
}
