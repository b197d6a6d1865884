/* cmd_detokenize.c - sumi detokenize: token ids on standard input to their text, the inverse of sumi tokenize. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/open_tokenizer.h"
#include "cli/options/args.h"

#define MAX_BYTES  ((size_t)4 << 30)
#define SEPARATORS " \t\r\n,[]" /* so that a JSON array is fine too */

typedef struct detokenize_args {
    const char *model;
    bool no_special, no_bos;
} detokenize_args;

enum { OPT_NO_SPECIAL = 256, OPT_NO_BOS };

static const struct argp_option options[] = {
    { "no-special", OPT_NO_SPECIAL, NULL, 0, "Leave special tokens out of the text", 0 },
    { "no-bos", OPT_NO_BOS, NULL, 0, "Keep BOS and EOS in the text; for ids that were made without added BOS and EOS",
      0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    detokenize_args *a = state->input;
    switch (key) {
    case OPT_NO_SPECIAL: a->no_special = true; return 0;
    case OPT_NO_BOS: a->no_bos = true; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END: return a->model ? 0 : cli_mistake(state, "MODEL is missing");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL",
    .doc =
        "Turn token ids on standard input, separated by white space or commas, into their text. BOS and EOS that 'sumi "
        "tokenize' adds are left out."
        "\vExample:\n"
        "  echo 19556 905 | sumi detokenize smollm2",
};

/* Reads the numbers of text into *ids (freed by the caller). */
static sumi_status read_ids(char *text, int32_t **ids, int32_t *n_ids, sumi_error *err)
{
    size_t n = strlen(text), room = n / 2 + 1; /* a number takes two bytes with its separator */
    *n_ids = 0;
    if (room > INT32_MAX) return sumi_fail(err, SUMI_ELIMIT, "standard input: too many ids");
    if (!(*ids = malloc(room * sizeof **ids))) return sumi_fail(err, SUMI_ENOMEM, "standard input: out of memory");
    char *rest;
    for (char *word = strtok_r(text, SEPARATORS, &rest); word; word = strtok_r(NULL, SEPARATORS, &rest)) {
        char *end;
        errno = 0;
        long id = strtol(word, &end, 10);
        if (*end || errno || id < INT32_MIN || id > INT32_MAX)
            return sumi_fail(err, SUMI_EINVAL, "standard input: word %d, '%.40s', is not a token id", *n_ids + 1, word);
        (*ids)[(*n_ids)++] = (int32_t)id;
    }
    return SUMI_OK;
}

static sumi_status write_text(const detokenize_args *a, const tokenizer *t, const int32_t *ids, int32_t n,
                              sumi_error *err)
{
    int32_t first = 0, n_text = n;
    char *text;
    size_t n_bytes;
    if (!a->no_bos) tokenizer_find_text(t, ids, n, &first, &n_text);
    sumi_status status = tokenizer_decode(t, ids + first, n_text, !a->no_special, &text, &n_bytes, err);
    if (status) return status;
    status = cli_write_stdout(text, n_bytes, err);
    free(text);
    return status;
}

int cmd_detokenize(int argc, char **argv)
{
    detokenize_args a = { 0 };
    sumi_error err;
    open_tokenizer o;
    char *input = NULL;
    size_t n_bytes;
    int32_t *ids = NULL, n_ids;
    if (!cli_parse(&argp, argc, argv, &a)) return EXIT_USAGE;
    sumi_status status = cli_open_tokenizer(&o, a.model, &err);
    if (!status) status = cli_read_file(NULL, MAX_BYTES, &input, &n_bytes, &err);
    if (!status && strlen(input) != n_bytes)
        status = sumi_fail(&err, SUMI_EINVAL, "standard input: binary data, not ids");
    if (!status) status = read_ids(input, &ids, &n_ids, &err);
    if (!status) status = write_text(&a, o.tokenizer, ids, n_ids, &err);
    free(ids);
    free(input);
    cli_close_tokenizer(&o);
    return status ? cli_fail_error(&err) : EXIT_DONE;
}
