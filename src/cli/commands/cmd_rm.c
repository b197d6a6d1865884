/* cmd_rm.c - sumi rm: removes models from the store, after asking. Files outside of the store are never removed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/printable.h"
#include "cli/cli.h"
#include "cli/options/args.h"

typedef struct rm_args {
    char **names;
    int32_t n;
    bool yes;
} rm_args;

static const struct argp_option options[] = {
    { "yes", 'y', NULL, 0, "Do not ask", 0 },
    { NULL, 'f', NULL, OPTION_ALIAS, NULL, 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    rm_args *a = state->input;
    switch (key) {
    case 'y':
    case 'f': a->yes = true; return 0;
    case ARGP_KEY_ARG: a->names[a->n++] = arg; return 0; /* as many as there are arguments fit */
    case ARGP_KEY_END: return a->n ? 0 : cli_mistake(state, "which model? 'sumi list' shows them");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp rm_argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "NAME...",
    .doc = "Remove models, also unfinished downloads, from the folder that 'sumi pull' writes to."
           "\vNAME is a name that 'sumi list' shows; it may be shortened to its end if that is unique. On a terminal "
           "rm asks first; elsewhere it needs --yes.\n\n"
           "Examples:\n"
           "  sumi rm hf:bartowski/SmolLM2-135M-Instruct-GGUF:Q4_K_M\n"
           "  sumi rm --yes smollm2:135m",
};

/* True if the person at the terminal agrees. */
static bool agrees(const store_model *const *models, int32_t n)
{
    char answer[16] = "", name[STORE_MAX_PATH];
    double bytes = 0;
    for (int32_t i = 0; i < n; i++) {
        printable_copy(name, sizeof name, models[i]->name, strlen(models[i]->name));
        fprintf(stderr, "%s, %d file%s\n", name, models[i]->n_files, models[i]->n_files == 1 ? "" : "s");
        bytes += (double)models[i]->n_bytes;
    }
    fprintf(stderr, "Remove %.1f MiB? [y/N] ", bytes / 0x1p20);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Finds all models before the first file is removed. models: room for a->n; *n: the number of different models. */
static sumi_status find_all(const rm_args *a, const store_list *l, const store_model **models, int32_t *n,
                            sumi_error *err)
{
    *n = 0;
    for (int32_t i = 0; i < a->n; i++) {
        const store_model *m;
        sumi_status st = store_match(l, a->names[i], &m, err);
        if (st != SUMI_OK) return st;
        int32_t k = 0;
        while (k < *n && models[k] != m) k++;
        if (k == *n) models[(*n)++] = m;
    }
    return SUMI_OK;
}

static int remove_all(const rm_args *a, const store_places *p, const store_list *l, const store_model **models)
{
    sumi_error err;
    int32_t n;
    if (find_all(a, l, models, &n, &err) != SUMI_OK) return cli_fail_error(&err);
    if (!a->yes && !isatty(STDIN_FILENO))
        return cli_fail("rm asks before it removes, but there is no terminal; give --yes");
    if (!a->yes && !agrees(models, n)) return cli_fail("nothing was removed");
    for (int32_t i = 0; i < n; i++)
        if (store_remove(p, models[i], &err) != SUMI_OK) return cli_fail_error(&err);
    return EXIT_DONE;
}

int cmd_rm(int argc, char **argv)
{
    rm_args a = { .names = calloc((size_t)argc + 1, sizeof *a.names) };
    const store_model **models = calloc((size_t)argc + 1, sizeof *models);
    store_list l = { 0 };
    sumi_error err;
    int code = EXIT_FAILED;
    store_places p = cli_places();
    if (!a.names || !models) cli_fail("out of memory");
    else if (!cli_parse(&rm_argp, argc, argv, &a)) code = EXIT_USAGE;
    else if (store_scan(&p, &l, &err) != SUMI_OK) code = cli_fail_error(&err);
    else code = remove_all(&a, &p, &l, models);
    store_list_deinit(&l);
    free(models);
    free(a.names);
    return code;
}
