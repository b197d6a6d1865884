/* args.c - see args.h. */
#include "cli/options/args.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options/exact.h"
#include "cli/options/help.h"
#include "cli/options/mistake.h"
#include "engine/pooling.h"

typedef struct parse { /* one call of cli_parse() */
    struct argp root;  /* first: argp's `root_argp` leads here from every parser, while each has a `hook` of its own */
    void *input;       /* of the command's own parser */
    bool told;         /* a mistake was told; argp's own mistakes are not */
    int next;          /* the argument after the last one that argp took */
} parse;

static parse *parse_of(const struct argp_state *state)
{
    return (parse *)(uintptr_t)state->root_argp; /* never a const object: cli_parse() owns it */
}

error_t cli_mistake(const struct argp_state *state, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cli_tell_mistake_va(state->name, format, args);
    va_end(args);
    parse_of(state)->told = true;
    return EINVAL;
}

/* What argp's getopt stumbled over. It looked at the argument before `next`, or is inside argument `next` ("-xyz"). */
static void tell_bad_option(const parse *root, const char *command, int argc, char **argv)
{
    const char *arg = argv[root->next - 1];
    if ((arg[0] != '-' || root->next == 1) && root->next < argc) arg = argv[root->next];
    const struct argp_option *o = exact_find(&root->root, arg);
    int n = (int)strcspn(arg, "=");
    if (o && o->arg) cli_tell_mistake(command, "%.*s needs a value, %s", n, arg, o->arg);
    else if (o) cli_tell_mistake(command, "%.*s takes no value", n, arg);
    else cli_tell_mistake(command, "there is no option '%.*s'", n, arg);
}

/* The parser above the command's own: owns --help, and keeps where argp ended with an error. Which error, argp does not say
 * here: cli_parse() gets it. */
static error_t parse_root(int key, char *arg, struct argp_state *state)
{
    parse *root = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = root->input; return 0;
    case 'h': help_print(&root->root, state->name, root->input); exit(cli_flush(EXIT_DONE));
    case ARGP_KEY_ERROR: root->next = state->next; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

bool cli_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    static const struct argp_option options[] = {
        { "help", 'h', NULL, 0, "Print this help", -1 },
        { 0 },
    };
    const struct argp_child children[] = { { argp, 0, NULL, 0 }, { 0 } };
    parse root = { .root = { .options = options, .parser = parse_root, .children = children }, .input = input };
    char name[64];
    char **args = calloc(2 * (size_t)argc + 1, sizeof *args);
    if (!args) {
        cli_fail("out of memory");
        exit(EXIT_FAILED); /* not a mistake of the caller's */
    }
    snprintf(name, sizeof name, "sumi %.32s", argv[0]);
    int n_args = exact_arguments(&root.root, name, argc, argv, args);
    args[0] = name;
    error_t why = EINVAL;
    if (n_args >= 0) why = argp_parse(&root.root, n_args, args, ARGP_NO_ERRS | ARGP_NO_HELP, &root.next, &root);
    if (why == 0 && root.next < n_args) {
        cli_tell_mistake(name, "there is no place for '%s'", args[root.next]);
        why = EINVAL;
    } else if (n_args >= 0 && why == EINVAL && !root.told) tell_bad_option(&root, name, n_args, args);
    free(args);
    if (why == ENOMEM) {
        cli_fail("out of memory");
        exit(EXIT_FAILED);
    }
    return why == 0;
}

error_t cli_model_argument(struct argp_state *state, char *arg, const char **model)
{
    if (*model) return cli_mistake(state, "'%s' is one argument too many", arg);
    *model = arg;
    return 0;
}

error_t cli_int(const struct argp_state *state, const char *option, const char *arg, int64_t low, int64_t high,
                int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(arg, &end, 10);
    if (end == arg || *end != '\0') return cli_mistake(state, "%s: '%s' is not a whole number", option, arg);
    if (errno == ERANGE || value < low || value > high)
        return cli_mistake(state, "%s: %s is not between %lld and %lld", option, arg, (long long)low, (long long)high);
    *out = value;
    return 0;
}

error_t cli_float(const struct argp_state *state, const char *option, const char *arg, float low, float high,
                  float *out)
{
    char *end;
    double value = strtod(arg, &end);
    if (end == arg || *end != '\0' || isnan(value)) return cli_mistake(state, "%s: '%s' is not a number", option, arg);
    if (value < (double)low || value > (double)high)
        return cli_mistake(state, "%s: %s is not between %g and %g", option, arg, (double)low, (double)high);
    *out = (float)value;
    return 0;
}

error_t cli_size(const struct argp_state *state, const char *option, const char *arg, size_t *out)
{
    static const char units[] = "KMGT";
    char *end;
    double value = strtod(arg, &end), scale = 1;
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (unit) {
        for (const char *u = units; u <= unit; u++) scale *= 1024;
        end++;
        if (*end == 'i') end++; /* KiB is what is meant anyway */
        if (*end == 'B') end++;
    }
    if (end == arg || *end != '\0' || !(value >= 0) || value * scale >= 0x1p62)
        return cli_mistake(state, "%s: '%s' is not a size such as 512M or 2G", option, arg);
    *out = (size_t)(value * scale);
    return 0;
}

error_t cli_pooling(const struct argp_state *state, const char *option, const char *arg, sumi_pooling *out)
{
    if (pooling_named(arg, out)) return 0;
    return cli_mistake(state, "%s: '%s' is not mean, last or cls", option, arg);
}
