/* exact.c - see exact.h. */
#include "cli/options/exact.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/options/habits.h"
#include "cli/options/mistake.h"

static bool is_last(const struct argp_option *o)
{
    return !o->name && !o->key && !o->doc;
}

const struct argp_option *exact_find(const struct argp *argp, const char *arg)
{
    size_t n = strcspn(arg, "=");
    bool is_long = arg[1] == '-';
    for (const struct argp_option *o = argp->options; o && !is_last(o); o++) {
        if (is_long && o->name && strlen(o->name) == n - 2 && !strncmp(o->name, arg + 2, n - 2)) return o;
        if (!is_long && o->key && o->key == arg[1]) return o;
    }
    for (const struct argp_child *c = argp->children; c && c->argp; c++) {
        const struct argp_option *found = exact_find(c->argp, arg);
        if (found) return found;
    }
    return NULL;
}

static bool takes_model(const struct argp *argp)
{
    bool takes = argp->args_doc && strstr(argp->args_doc, "MODEL");
    for (const struct argp_child *c = argp->children; c && c->argp && !takes; c++) takes = takes_model(c->argp);
    return takes;
}

static void try_all(const struct argp *argp, nearest *n)
{
    for (const struct argp_option *o = argp->options; o && !is_last(o); o++)
        if (o->name) nearest_try(n, o->name);
    for (const struct argp_child *c = argp->children; c && c->argp; c++) try_all(c->argp, n);
}

typedef struct walk {
    const struct argp *argp;
    const char *command;
    char **argv, **out; /* argv ends with NULL */
    int at, n_out;
} walk;

static void give(walk *w, char *arg)
{
    w->out[w->n_out++] = arg;
}

static void give_value(walk *w, const struct argp_option *o)
{
    if (o->arg && !(o->flags & OPTION_ARG_OPTIONAL) && w->argv[w->at]) give(w, w->argv[w->at++]);
}

/* An option that no command knows: the nearest one is offered. */
static bool tell_unknown(const walk *w, const char *arg, size_t n)
{
    char typed[80];
    const char *name = arg + strspn(arg, "-");
    snprintf(typed, sizeof typed, "%.*s", (int)(arg + n - name), name);
    nearest near = { .to = typed };
    if (n > 2) try_all(w->argp, &near);
    if (near.best)
        cli_tell_mistake(w->command, "there is no option '%.*s'; did you mean '--%s'?", (int)n, arg, near.best);
    else cli_tell_mistake(w->command, "there is no option '%.*s'", (int)n, arg);
    return false;
}

/* A word of another program, of n bytes, with its value after it or in the next argument. */
static bool take_habit(walk *w, char *arg, size_t n, const habit *h)
{
    bool model = h->ours && !strcmp(h->ours, "MODEL");
    char *value = arg[n] == '=' ? arg + n + 1 : arg[n] ? arg + n : NULL;
    const struct argp_option *ours = h->ours && !model ? exact_find(w->argp, h->ours) : NULL;
    if (h->ours && !ours && !(model && takes_model(w->argp))) return tell_unknown(w, arg, n);
    bool wants_value = model || h->noop || (ours && ours->arg);
    if (!value && wants_value && w->argv[w->at]) value = w->argv[w->at++];
    if (!h->ours) {
        if (h->noop && value && !strcmp(value, h->noop)) return true;
        cli_tell_mistake(w->command, "%.*s: %s", (int)n, arg, h->why);
        return false;
    }
    if (!value && wants_value) {
        cli_tell_mistake(w->command, "%.*s needs a value, %s", (int)n, arg, model ? "MODEL" : ours->arg);
        return false;
    }
    if (ours) give(w, (char *)(uintptr_t)h->ours);
    if (value) give(w, value);
    return true;
}

static bool take_long(walk *w, char *arg)
{
    size_t n = strcspn(arg, "=");
    const struct argp_option *o = exact_find(w->argp, arg);
    const habit *h = o ? NULL : habit_option(arg, n);
    if (!o && !h && memchr(arg, '_', n)) { /* "--top_k", as vLLM takes it */
        for (size_t i = 2; i < n; i++) arg[i] = arg[i] == '_' ? '-' : arg[i];
        return take_long(w, arg);
    }
    if (!o) return h ? take_habit(w, arg, n, h) : tell_unknown(w, arg, n);
    give(w, arg);
    if (!arg[n]) give_value(w, o);
    return true;
}

/* "-n", "-n5", "-yf": letters, of which the first that takes a value has the rest of the word, or the next word. */
static bool take_short(walk *w, char *arg)
{
    size_t n = strcspn(arg, "=");
    const habit *h = n > 2 ? habit_option(arg, n) : NULL; /* "-ngl" */
    if (h) return take_habit(w, arg, n, h);
    char long_name[80];
    snprintf(long_name, sizeof long_name, "-%.*s", (int)n, arg);
    if (n > 2 && exact_find(w->argp, long_name)) {
        cli_tell_mistake(w->command, "there is no option '%.*s'; did you mean '%s'?", (int)n, arg, long_name);
        return false;
    }
    for (char *letter = arg + 1; *letter; letter++) {
        const char one[] = { '-', *letter, '\0' };
        const struct argp_option *o = exact_find(w->argp, one);
        if (!o && letter == arg + 1 && (h = habit_option(one, 2))) return take_habit(w, arg, 2, h);
        if (!o) return tell_unknown(w, letter == arg + 1 && n == 2 ? arg : one, 2);
        if (!o->arg) continue;
        give(w, arg);
        if (!letter[1]) give_value(w, o);
        return true;
    }
    give(w, arg);
    return true;
}

int exact_arguments(const struct argp *argp, const char *command, int argc, char **argv, char **out)
{
    walk w = { .argp = argp, .command = command, .argv = argv, .out = out, .at = 1, .n_out = 1 };
    out[0] = argv[0];
    bool ok = true;
    while (ok && w.at < argc) {
        char *arg = argv[w.at++];
        bool is_option = arg[0] == '-' && arg[1];
        if (is_option && !strcmp(arg, "--")) { /* all further arguments are no options */
            give(&w, arg);
            while (w.at < argc) give(&w, argv[w.at++]);
        } else if (!is_option) {
            give(&w, arg);
        } else {
            ok = arg[1] == '-' ? take_long(&w, arg) : take_short(&w, arg);
        }
    }
    return ok ? w.n_out : -1;
}
