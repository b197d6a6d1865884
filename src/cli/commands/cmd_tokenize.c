/* cmd_tokenize.c - sumi tokenize: text on standard input to token ids on one line. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/open_tokenizer.h"
#include "cli/options/args.h"

typedef struct tokenize_args {
    const char *model, *file;
    uint32_t flags;
    bool json, pieces, bench;
} tokenize_args;

enum { OPT_NO_SPECIAL = 256, OPT_NO_BOS, OPT_JSON, OPT_PIECES, OPT_BENCH };

static const struct argp_option options[] = {
    { "file", 'f', "FILE", 0, "Read the text from FILE instead of standard input", 0 },
    { "no-special", OPT_NO_SPECIAL, NULL, 0, "Read text such as <|im_end|> as plain text, not as a special token", 0 },
    { "no-bos", OPT_NO_BOS, NULL, 0, "Do not add BOS and EOS, even if the model asks for them", 0 },
    { "pieces", OPT_PIECES, NULL, 0, "One line per token: id, tab, text as a JSON string", 0 },
    { "json", OPT_JSON, NULL, 0, "Print a JSON object: n, ids and, with --pieces, pieces", 0 },
    { "bench", OPT_BENCH, NULL, 0,
      "Print the processor time of loading and of tokenising instead of ids, best of 5 runs", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    tokenize_args *a = state->input;
    switch (key) {
    case 'f': a->file = arg; return 0;
    case OPT_NO_SPECIAL: a->flags &= ~(uint32_t)SUMI_TOKENIZE_SPECIAL; return 0;
    case OPT_NO_BOS: a->flags &= ~(uint32_t)SUMI_TOKENIZE_BOS_EOS; return 0;
    case OPT_PIECES: a->pieces = true; return 0;
    case OPT_JSON: a->json = true; return 0;
    case OPT_BENCH: a->bench = true; return 0;
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
        "Turn text on standard input into token ids, on one line with spaces between. The model file may "
        "hold a vocabulary and no tensors. The ids stand for the very bytes: neither a byte order mark nor CR is left out."
        "\vExamples:\n"
        "  echo \"Hello world\" | sumi tokenize smollm2\n"
        "  sumi tokenize smollm2 -f book.txt --json --pieces",
};

/* A token may be a part of a character: such bytes become U+FFFD, because JSON cannot represent them. */
static void append_json_string(buf *out, const char *text, size_t n)
{
    buf_append_char(out, '"');
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp;
        int partial;
        len = utf8_decode(text + i, n - i, &cp);
        if (!len) {
            len = utf8_invalid_bytes(text + i, n - i, &partial);
            buf_append_str(out, UTF8_REPLACEMENT);
        } else if (cp == '"' || cp == '\\') {
            buf_printf(out, "\\%c", (char)cp);
        } else if (cp < 0x20 || cp == 0x7F) {
            buf_printf(out, "\\u%04x", (unsigned)cp);
        } else {
            buf_append(out, text + i, len);
        }
    }
    buf_append_char(out, '"');
}

static void append_piece(buf *out, const tokenizer *t, int32_t id)
{
    size_t n;
    const char *text = tokenizer_text(t, id, &n);
    append_json_string(out, text, n);
}

static void write_ids(const tokenize_args *a, const tokenizer *t, const int32_t *ids, int32_t n, buf *out)
{
    if (a->json) buf_printf(out, "{\"n\": %d, \"ids\": [", n);
    for (int32_t i = 0; i < n && (a->json || !a->pieces); i++)
        buf_printf(out, "%s%d", i == 0 ? "" : a->json ? ", " : " ", ids[i]);
    if (a->json) buf_append_str(out, "]");
    if (a->json && a->pieces) buf_append_str(out, ", \"pieces\": [");
    for (int32_t i = 0; i < n && a->pieces; i++) {
        if (a->json && i) buf_append_str(out, ", ");
        if (!a->json) buf_printf(out, "%d\t", ids[i]);
        append_piece(out, t, ids[i]);
        if (!a->json) buf_append_str(out, "\n");
    }
    if (a->json && a->pieces) buf_append_str(out, "]");
    if (a->json) buf_append_str(out, "}");
    if (a->json || !a->pieces) buf_append_str(out, "\n");
}

/* The processor time of this thread, which other programs on the machine disturb least. */
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* One JSON line with the best of 5 times of tokenising the text, and of making a tokenizer from the open file. */
static sumi_status bench(const tokenize_args *a, const open_tokenizer *o, const char *text, size_t n_bytes,
                         sumi_error *err)
{
    double create_ms = 1e9, encode_ms = 1e9;
    int32_t *ids, n_ids = 0;
    for (int i = 0; i < 5; i++) {
        tokenizer *t;
        double start = cpu_ms();
        sumi_status status = tokenizer_create(&t, o->source, err);
        if (status) return status;
        double created = cpu_ms();
        status = tokenizer_encode(t, text, n_bytes, a->flags, &ids, &n_ids, err);
        double encoded = cpu_ms();
        tokenizer_destroy(t);
        if (status) return status;
        free(ids);
        if (created - start < create_ms) create_ms = created - start;
        if (encoded - created < encode_ms) encode_ms = encoded - created;
    }
    if (encode_ms <= 0) encode_ms = 1e-6; /* an empty text, and a clock that did not move */
    printf("{\"create_ms\": %.2f, \"encode_ms\": %.3f, \"bytes\": %zu, \"tokens\": %d, \"mb_per_s\": %.2f}\n",
           create_ms, encode_ms, n_bytes, n_ids, (double)n_bytes / 1e3 / encode_ms);
    return SUMI_OK;
}

static sumi_status tokenize(const tokenize_args *a, const open_tokenizer *o, sumi_error *err)
{
    char *text;
    size_t n_bytes;
    int32_t *ids, n_ids;
    buf out;
    sumi_status status = cli_read_file(a->file, TOKENIZER_MAX_TEXT, &text, &n_bytes, err);
    if (status) return status;
    if (a->bench) status = bench(a, o, text, n_bytes, err);
    else status = tokenizer_encode(o->tokenizer, text, n_bytes, a->flags, &ids, &n_ids, err);
    free(text);
    if (status || a->bench) return status;
    buf_init(&out, SIZE_MAX);
    write_ids(a, o->tokenizer, ids, n_ids, &out);
    free(ids);
    status = out.status ? sumi_fail(err, out.status, "standard output: %s", sumi_status_text(out.status))
                        : cli_write_stdout(out.data, out.n, err);
    buf_deinit(&out);
    return status;
}

int cmd_tokenize(int argc, char **argv)
{
    tokenize_args a = { .flags = SUMI_TOKENIZE_SPECIAL | SUMI_TOKENIZE_BOS_EOS };
    sumi_error err;
    open_tokenizer o;
    if (!cli_parse(&argp, argc, argv, &a)) return EXIT_USAGE;
    sumi_status status = cli_open_tokenizer(&o, a.model, &err);
    if (!status) status = tokenize(&a, &o, &err);
    cli_close_tokenizer(&o);
    return status ? cli_fail_error(&err) : EXIT_DONE;
}
