/* settings.c - see settings.h. One table serves options, help and chat commands. */
#include "cli/options/settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/options/args.h"
#include "sample/members.h"

enum kind { REAL, COUNT, SEED };

/* X(name, short option or 0, value, kind, field, low, high, help, and what `sumi run` does without it) */
#define SETTINGS(X)                                                                                                 \
    X("max-tokens", 'n', "N", COUNT, max_tokens, -1, INT32_MAX,                                                     \
      "Longest answer, in tokens; -1: until it ends or the context is full", " (default)")                          \
    X("temp", 0, "T", REAL, sampling.temperature, 0, 100,                                                           \
      "Temperature; 0: always the most probable token, above 1: more random", " (default 0.8)")                     \
    X("top-k", 0, "K", COUNT, sampling.top_k, 0, INT32_MAX, "Choose among the K most probable tokens; 0: all",      \
      " (default 40)")                                                                                              \
    X("top-p", 0, "P", REAL, sampling.top_p, 0, 1,                                                                  \
      "Choose among the most probable tokens whose probabilities add up to P; 1: all", " (default 0.95)")           \
    X("min-p", 0, "P", REAL, sampling.min_p, 0, 1,                                                                  \
      "Leave out tokens with less than P times the best one's probability", " (default 0.05)")                      \
    X("typical", 0, "P", REAL, sampling.typical_p, 0.001, 1,                                                        \
      "Locally typical sampling: choose among tokens whose information is nearest to the mean, up to "              \
      "probability P; 1: off",                                                                                      \
      " (default)")                                                                                                 \
    X("repeat-penalty", 0, "R", REAL, sampling.repeat_penalty, 0.001, 1000,                                         \
      "Divide logits of repeated tokens by R; 1: off", " (default)")                                                \
    X("repeat-last-n", 0, "N", COUNT, sampling.penalty_last_n, -1, 1 << 24,                                         \
      "How many of the last tokens count for penalties; -1: all", " (default 64)")                                  \
    X("frequency-penalty", 0, "F", REAL, sampling.frequency_penalty, -1000, 1000,                                   \
      "Subtract F from the logit of a token for each time it occurred", " (default 0)")                             \
    X("presence-penalty", 0, "F", REAL, sampling.presence_penalty, -1000, 1000,                                     \
      "Subtract F from the logit of a token that occurred", " (default 0)")                                         \
    X("seed", 0, "S", SEED, sampling.seed, 0, 0, "Seed of the random numbers: the same seed gives the same answer", \
      " (default: a new one)")

static const struct setting {
    const char *name;
    int letter;
    enum kind kind;
    size_t offset; /* in sumi_generate_opts */
    double low, high;
} list[] = {
#define ROW(name, letter, value, kind, field, low, high, help, otherwise) \
    { name, letter, kind, offsetof(sumi_generate_opts, field), low, high },
    SETTINGS(ROW)
#undef ROW
};

enum { N_SETTINGS = sizeof list / sizeof *list };

/* Key of an option: its letter, or the offset of its field, which no two settings share, above all letters. */
#define KEY_OF(letter, offset) ((letter) ? (letter) : 0x1000 + (int)(offset))

static void *field(sumi_generate_opts *opts, const struct setting *s)
{
    return (char *)opts + s->offset;
}

static sumi_status set_one(sumi_generate_opts *opts, const struct setting *s, const char *text, sumi_error *err)
{
    char *end;
    errno = 0;
    if (s->kind == SEED) {
        unsigned long long seed = strtoull(text, &end, 0);
        if (end == text || *end || errno || strchr(text, '-') || seed > INT64_MAX) /* JSON integers are signed */
            return sumi_fail(err, SUMI_EINVAL, "%s: '%s' is not a whole number from 0 to 2^63-1", s->name, text);
        *(uint64_t *)field(opts, s) = seed;
        return SUMI_OK;
    }
    double value = s->kind == REAL ? strtod(text, &end) : (double)strtoll(text, &end, 10);
    if (end == text || *end)
        return sumi_fail(err, SUMI_EINVAL, "%s: '%s' is not a %s", s->name, text,
                         s->kind == REAL ? "number" : "whole number");
    if (!(value >= s->low && value <= s->high) || errno == ERANGE)
        return sumi_fail(err, SUMI_EINVAL, "%s: %s is not between %.10g and %.10g", s->name, text, s->low, s->high);
    if (s->kind == REAL) *(float *)field(opts, s) = (float)value;
    else *(int32_t *)field(opts, s) = (int32_t)value;
    return SUMI_OK;
}

sumi_status settings_set(sumi_generate_opts *opts, const char *name, const char *value, sumi_error *err)
{
    for (int i = 0; i < N_SETTINGS; i++)
        if (!strcmp(list[i].name, name)) return set_one(opts, &list[i], value, err);
    return sumi_fail(err, SUMI_EINVAL, "there is no setting '%s'; /set lists them", name);
}

void settings_print(const sumi_generate_opts *opts, buf *out)
{
    sumi_generate_opts copy = *opts;
    for (int i = 0; i < N_SETTINGS; i++) {
        const struct setting *s = &list[i];
        const void *value = field(&copy, s);
        buf_printf(out, "%s%s ", i ? ", " : "", s->name);
        if (s->kind == REAL) buf_printf(out, "%g", (double)*(const float *)value);
        else if (s->kind == COUNT) buf_printf(out, "%d", *(const int32_t *)value);
        else buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)value);
    }
}

/* ---- Options ---- */

enum { KEY_GENERATION_CONFIG = 0x2000 };

static error_t set_generation_config(settings *s, const char *arg, const struct argp_state *state)
{
    s->no_recommended = !strcmp(arg, "none") || !strcmp(arg, "vllm");
    if (s->no_recommended || !strcmp(arg, "auto")) return 0;
    return cli_mistake(state, "--generation-config: '%s' is neither 'auto' nor 'none'", arg);
}

static error_t parse_settings(int key, char *arg, struct argp_state *state)
{
    sumi_error err;
    settings *s = state->input;
    const size_t sampling_offset = offsetof(sumi_generate_opts,
                                            sampling); /* of another member: a place that none has */
    int i = 0;
    if (key == KEY_GENERATION_CONFIG) return set_generation_config(s, arg, state);
    while (i < N_SETTINGS && key != KEY_OF(list[i].letter, list[i].offset)) i++;
    if (i == N_SETTINGS) return ARGP_ERR_UNKNOWN;
    if (set_one(s->opts, &list[i], arg, &err) != SUMI_OK) return cli_mistake(state, "--%s", err.message);
    s->given |= sampling_member_at(list[i].offset - sampling_offset);
    return 0;
}

#define GENERATION_CONFIG                                                                                              \
    {                                                                                                                  \
        "generation-config", KEY_GENERATION_CONFIG, "auto|none", 0,                                                    \
            "none: ignore the sampling that the model's file recommends (generation_config.json, general.sampling)", 0 \
    }

static const struct argp_option run_options[] = {
#define ROW(name, letter, value, kind, field, low, high, help, otherwise) \
    { name, KEY_OF(letter, offsetof(sumi_generate_opts, field)), value, 0, help otherwise, 0 },
    SETTINGS(ROW)
#undef ROW
        GENERATION_CONFIG,
    { 0 },
};

static const struct argp_option serve_options[] = {
#define ROW(name, letter, value, kind, field, low, high, help, otherwise) \
    { name, KEY_OF(letter, offsetof(sumi_generate_opts, field)), value, 0, help, 0 },
    SETTINGS(ROW)
#undef ROW
        GENERATION_CONFIG,
    { 0 },
};

const struct argp settings_argp = { .options = run_options, .parser = parse_settings };
const struct argp settings_serve_argp = { .options = serve_options, .parser = parse_settings };

void settings_take_recommended(settings *s, const sumi_model *model)
{
    sumi_sampling recommended;
    if (s->no_recommended) return;
    uint32_t members = sumi_model_sampling(model, &recommended);
    sampling_take(&s->opts->sampling, &recommended, members & ~s->given);
}
