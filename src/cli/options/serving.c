/* serving.c - see serving.h. */
#include "cli/options/serving.h"

#include <string.h>

#include "cli/options/args.h"

enum {
    KEY_MAX_SEQS = 0x200,
    KEY_BUDGET,
    KEY_STALL,
    KEY_SWAP,
    KEY_SWAP_DIR,
    KEY_PREFIX,
    KEY_NO_PREFIX,
    KEY_SHARE,
    KEY_SPEC
};

static const struct argp_option list[] = {
    { "max-seqs", KEY_MAX_SEQS, "N", 0, "Most answers computed at the same time (32)", 0 },
    { "token-budget", KEY_BUDGET, "N", 0, "Most tokens computed in one step, of answers and prompts together (512)",
      0 },
    { "stall", KEY_STALL, "X", 0,
      "How much new prompts may slow running answers: 1 = steps up to twice as long, 0 = no limit (1)", 0 },
    { "swap-memory", KEY_SWAP, "SIZE", 0,
      "Size of the swap file for paused requests; without it they are computed again (0)", 0 },
    { "swap-dir", KEY_SWAP_DIR, "DIR", 0, "Folder of the swap file ($TMPDIR or /tmp)", 0 },
    { "prefix-cache", KEY_PREFIX, "DIR", 0, "Folder in which cached prompts are kept for the next start", 0 },
    { "no-prefix-cache", KEY_NO_PREFIX, NULL, 0, "Compute every prompt from its first token: no caching", 0 },
    { "share-prefixes", KEY_SHARE, NULL, 0,
      "Share cached prompts between clients. Faster, but timing reveals what others asked", 0 },
    { "spec", KEY_SPEC, "auto|off", 0,
      "Speculative decoding: tokens guessed from the text so far are checked where that is expected to pay. Answers are the "
      "same with and without (auto)",
      0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    sumi_engine_opts *o = state->input;
    int64_t n;
    error_t why = 0;
    switch (key) {
    case KEY_MAX_SEQS:
        if ((why = cli_int(state, "--max-seqs", arg, 1, 4096, &n)) == 0) o->max_seqs = (int32_t)n;
        return why;
    case KEY_BUDGET:
        if ((why = cli_int(state, "--token-budget", arg, 2, 1 << 20, &n)) == 0) o->token_budget = (int32_t)n;
        return why;
    case KEY_STALL: return cli_float(state, "--stall", arg, 0, 1e6f, &o->stall);
    case KEY_SWAP: return cli_size(state, "--swap-memory", arg, &o->swap_bytes);
    case KEY_SWAP_DIR: o->swap_dir = arg; return 0;
    case KEY_PREFIX: o->prefix_dir = arg; return 0;
    case KEY_NO_PREFIX: o->prefix_cache = false; return 0;
    case KEY_SHARE: o->share_prefixes = true; return 0;
    case KEY_SPEC:
        o->speculation = strcmp(arg, "off") ? SUMI_SPECULATION_AUTO : SUMI_SPECULATION_OFF;
        if (!strcmp(arg, "off") || !strcmp(arg, "auto")) return 0;
        return cli_mistake(state, "--spec: '%s' is neither auto nor off", arg);
    case ARGP_KEY_END:
        if (o->prefix_dir && !o->prefix_cache)
            return cli_mistake(state, "--prefix-cache and --no-prefix-cache exclude each other");
        if (o->token_budget > o->max_seqs) return 0;
        return cli_mistake(state, "--token-budget %d: it must be more than --max-seqs, which is %d", o->token_budget,
                           o->max_seqs);
    default: return ARGP_ERR_UNKNOWN;
    }
}

const struct argp serving_argp = { .options = list, .parser = parse };

void serving_take_common(sumi_engine_opts *engine, const common_options *common)
{
    engine->n_threads = common->context.n_threads;
    engine->pin = common->context.pin;
    engine->n_ctx = common->context.n_ctx;
    engine->kv_bytes = common->context.kv_bytes;
}
