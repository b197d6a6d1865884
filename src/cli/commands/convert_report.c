/* convert_report.c - see convert_report.h. Headers are read, no weights. */
#include "cli/commands/convert_report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/commands/info.h"
#include "compress/file_type.h"
#include "hf/model_source_open.h"

typedef struct report {
    model_source *in, *out;
    info_summary from, to;
    const file_type *mix;    /* NULL: types were kept */
    int32_t fell[DTYPE_MAX]; /* tensors that have this type instead of the one that was wanted */
    int32_t n_fell;
    int64_t wanted_block; /* the largest block that did not fit */
    bool quantised;       /* tensors of the source were, and have other types now */
    uint64_t n_bytes;     /* of the file */
} report;

static void count(report *r)
{
    int64_t n_layers = 0;
    bool tied = !model_source_find_tensor(r->out, "output.weight");
    info_arch_i64(r->out, &r->to, "block_count", &n_layers);
    for (int64_t i = 0; r->mix && i < model_source_n_tensors(r->out); i++) {
        const source_tensor *t = model_source_tensor_at(r->out, i), *before = model_source_tensor_at(r->in, i);
        dtype wanted, got = file_type_of(r->mix, t, n_layers, tied, &wanted);
        if (before->type->block_elems > 1 && before->type->type != t->type->type) r->quantised = true;
        if (got == wanted) continue;
        int64_t block = dtype_find((uint32_t)wanted)->block_elems;
        r->fell[got]++;
        r->n_fell++;
        if (block > r->wanted_block) r->wanted_block = block;
    }
}

/* Prints the library's warnings about the folder: the report opens the folder again, because sumi_convert() logs
 * nothing. */
static void print_warning(void *user, sumi_log_level level, const char *message)
{
    (void)user;
    if (level <= SUMI_LOG_WARN) cli_print_message(false, log_level_name(level), "warning: ", message);
}

static sumi_status look(report *r, const char *in, const char *out, sumi_error *err)
{
    struct stat s;
    const logger log = { print_warning, NULL };
    sumi_status st = model_source_open(&r->in, in, &log, err);
    if (st == SUMI_OK) st = model_source_open(&r->out, out, NULL, err);
    if (st != SUMI_OK) return st;
    if (stat(out, &s) == 0) r->n_bytes = (uint64_t)s.st_size;
    info_summarise(r->in, &r->from);
    info_summarise(r->out, &r->to);
    count(r);
    return SUMI_OK;
}

static void print_text(const report *r, const char *out)
{
    printf("%s: %s, %.1f MiB, %.2f bits per weight; it was %s, %.1f MiB, %.2f bits\n", out, file_type_name(r->out),
           (double)r->n_bytes / 0x1p20, r->to.bits_per_weight, file_type_name(r->in),
           (double)r->from.weight_bytes / 0x1p20, r->from.bits_per_weight);
    if (r->n_fell) {
        printf("%d of %lld tensors have rows that cannot be divided into blocks of %lld weights, and get another type:",
               r->n_fell, (long long)model_source_n_tensors(r->out), (long long)r->wanted_block);
        const char *before = " ";
        for (int i = 0; i < DTYPE_MAX; i++)
            if (r->fell[i]) printf("%s%d %s", before, r->fell[i], dtype_gguf_name((uint32_t)i)), before = ", ";
        putchar('\n');
    }
    if (r->quantised)
        fprintf(stderr,
                "sumi: warning: the model was quantised already (%s) and now loses more accuracy: better convert the "
                "published weights\n",
                file_type_name(r->in));
}

static sumi_status print_json(const report *r, const char *out, sumi_error *err)
{
    json_t *fell = json_object();
    int failed = !fell;
    for (int i = 0; i < DTYPE_MAX; i++)
        if (r->fell[i]) failed |= json_object_set_new(fell, dtype_gguf_name((uint32_t)i), json_integer(r->fell[i]));
    json_t *o = json_pack("{s:s%, s:s, s:I, s:f, s:I, s:i, s:o, s:{s:s, s:I, s:f, s:b}}", "path", out, strlen(out),
                          "type", file_type_name(r->out), "bytes", (json_int_t)r->n_bytes, "bits_per_weight",
                          r->to.bits_per_weight, "tensors", (json_int_t)model_source_n_tensors(r->out),
                          "fallback_tensors", r->n_fell, "fallback_types", fell, "source", "type",
                          file_type_name(r->in), "bytes", (json_int_t)r->from.weight_bytes, "bits_per_weight",
                          r->from.bits_per_weight, "quantised_again", r->quantised);
    if (o && !failed) return cli_write_json(o, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6), err);
    json_decref(o);
    return sumi_fail(err, SUMI_ENOMEM, "the JSON: out of memory, or %s is no UTF-8", out);
}

sumi_status convert_report(const char *in, const char *out, const char *type, bool json, sumi_error *err)
{
    report r = { .mix = type ? file_type_find(type) : NULL };
    sumi_status st = look(&r, in, out, err);
    if (st == SUMI_OK && json) st = print_json(&r, out, err);
    else if (st == SUMI_OK) print_text(&r, out);
    model_source_close(r.in);
    model_source_close(r.out);
    return st;
}
