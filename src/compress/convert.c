/* convert.c - sumi_convert(): writes any model as one GGUF file, with its tensors in other types.
 *
 *   open (model_source_open.h) -> plan: a type and a place for each tensor -> head -> rows of tensors -> rename
 *
 * As many rows of a tensor as fit into a buffer are computed at a time. The threads process rows one by one: make the row,
 * decode it to float32, check that the numbers are finite, encode it. Then the buffer is written at its place. So the memory
 * is that of one buffer for any size of model. The file does not depend on the number of threads, because rows are
 * independent. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/os/cpu.h"
#include "base/os/new_file.h"
#include "base/os/pool.h"
#include "base/sized.h"
#include "compress/file_type.h"
#include "format/model_source_adapter.h"
#include "format/gguf_write.h"
#include "hf/model_source_open.h"
#include "quant/quant.h"

#define BUFFER_BYTES ((size_t)16 << 20) /* of the result */
#define MAX_ROW      ((size_t)1 << 31)  /* elements; a row is held as float32 by each thread */

typedef struct out_tensor {
    dtype type;
    uint64_t at; /* in the data section */
} out_tensor;

typedef struct conversion {
    const sumi_convert_opts *opts;
    const file_type *mix; /* NULL: as they are */
    model_source *in;
    out_tensor *out;         /* [model_source_n_tensors(in)] */
    uint64_t n_head, n_data; /* bytes of the file's two parts */
    uint64_t done, total;    /* bytes of the result */
    new_file file;
    pool *threads;
    uint8_t *buffer; /* [buffer_bytes] */
    size_t buffer_bytes;
    uint8_t **scratch;  /* [threads] a row in its own type, then in float32 */
    size_t scratch_row; /* bytes of the first */
} conversion;

/* ---- Plan --------------------------------------------------------------------------------------------------- */

/* Keys that the result has with other values, or not at all. */
static bool is_replaced(gguf_str key)
{
    static const char *const keys[] = { "general.file_type", "general.quantization_version",
                                        "general.alignment", "split.no",
                                        "split.count",       "split.tensors.count" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (gguf_str_is(key, keys[i])) return true;
    return false;
}

/* general.file_type of a file whose types were not changed: that of the type which most numbers have. */
static uint32_t usual_file_type(const conversion *c, const model_source *src)
{
    int64_t count[DTYPE_MAX] = { 0 }, told;
    dtype most = DTYPE_F32;
    if (model_source_get_i64(src, "general.file_type", &told) && told >= 0 && told <= UINT32_MAX) return (uint32_t)told;
    for (int64_t i = 0; i < model_source_n_tensors(src); i++)
        count[c->out[i].type] += model_source_tensor_at(src, i)->n_elems;
    for (int t = 0; t < DTYPE_MAX; t++)
        if (count[t] > count[most]) most = (dtype)t;
    const file_type *m = dtype_find((uint32_t)most) ? file_type_find(dtype_find((uint32_t)most)->name) : NULL;
    return m ? m->number : 0;
}

static int64_t count_layers(const model_source *src)
{
    char key[160];
    gguf_str arch = { "", 0 };
    int64_t n = 0;
    model_source_get_str(src, "general.architecture", &arch);
    snprintf(key, sizeof key, "%.*s.block_count", (int)(arch.n < 100 ? arch.n : 0), arch.data);
    return model_source_get_i64(src, key, &n) ? n : 0;
}

static sumi_status choose_types(conversion *c, sumi_error *err)
{
    int64_t n = model_source_n_tensors(c->in), n_layers = count_layers(c->in);
    bool tied = !model_source_find_tensor(c->in, "output.weight");
    c->out = calloc((size_t)n + 1, sizeof *c->out);
    if (!c->out) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    for (int64_t i = 0; i < n; i++) {
        const source_tensor *t = model_source_tensor_at(c->in, i);
        c->out[i].type = file_type_of(c->mix, t, n_layers, tied, NULL);
        if (!quant_find(c->out[i].type)->encode && c->out[i].type != t->type->type)
            return sumi_fail(err, SUMI_EUNSUPPORTED, "type %s cannot be written",
                             dtype_find((uint32_t)c->out[i].type)->name);
        if ((size_t)t->dims[0] > MAX_ROW)
            return sumi_fail(err, SUMI_ELIMIT, "tensor '%.*s' has rows of %lld elements",
                             (int)(t->name.n < 80 ? t->name.n : 80), t->name.data, (long long)t->dims[0]);
    }
    return SUMI_OK;
}

/* The head of the result, in *bytes, and the place of each tensor. */
static sumi_status write_head(conversion *c, uint8_t **bytes, sumi_error *err)
{
    gguf_head h;
    size_t n_head = 0;
    bool quantised = false;
    gguf_head_init(&h, 32);
    for (int64_t i = 0; i < model_source_n_keys(c->in); i++)
        if (!is_replaced(model_source_key(c->in, i))) gguf_put_key_of(&h, c->in, i);
    for (int64_t i = 0; i < model_source_n_tensors(c->in); i++)
        quantised = quantised || dtype_find((uint32_t)c->out[i].type)->block_elems > 1;
    gguf_put_u32(&h, "general.file_type", c->mix ? c->mix->number : usual_file_type(c, c->in));
    if (quantised) gguf_put_u32(&h, "general.quantization_version", 2);
    for (int64_t i = 0; i < model_source_n_tensors(c->in); i++) {
        const source_tensor *t = model_source_tensor_at(c->in, i);
        c->out[i].at = gguf_put_tensor(&h, t->name.data, t->name.n, c->out[i].type, t->n_dims ? t->n_dims : 1, t->dims);
    }
    c->n_data = h.data_bytes;
    *bytes = gguf_head_take(&h, &n_head);
    c->n_head = n_head;
    return *bytes ? SUMI_OK : sumi_fail(err, h.status, "the head of the file: %s", sumi_status_text(h.status));
}

/* ---- Tensors ------------------------------------------------------------------------------------------------ */

typedef struct rows_job {
    const conversion *c;
    const source_tensor *t;
    dtype type;
    int64_t first;   /* row */
    _Atomic int bad; /* the kind of bad number that was found: BAD_ */
} rows_job;

enum { BAD_NOT_FINITE = 1, BAD_TOO_LARGE = 2 };

/* Checks the encoders' precondition (finite numbers), and the range of a half. */
static int check_row(const float *row, int64_t n, dtype type)
{
    float largest = 0;
    for (int64_t i = 0; i < n; i++) {
        float v = fabsf(row[i]);
        if (!(v <= largest)) largest = v; /* a NaN stays */
        if (v != v) return BAD_NOT_FINITE;
    }
    if (!isfinite(largest)) return BAD_NOT_FINITE;
    return type == DTYPE_F16 && largest >= 65520 ? BAD_TOO_LARGE : 0;
}

static void convert_rows(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    rows_job *j = arg;
    const conversion *c = j->c;
    const source_tensor *t = j->t;
    size_t row_bytes = dtype_row_bytes(j->type, t->dims[0]);
    uint8_t *raw = c->scratch[thread];
    float *row = (float *)(void *)(raw + c->scratch_row);
    for (int64_t i = begin; i < end; i++) {
        uint8_t *dst = c->buffer + (size_t)i * row_bytes;
        if (j->type == t->type->type) {
            model_source_make_rows(c->in, t, j->first + i, 1, dst);
            continue;
        }
        model_source_make_rows(c->in, t, j->first + i, 1, raw);
        quant_find(t->type->type)->decode(raw, row, t->dims[0]);
        int bad = check_row(row, t->dims[0], j->type);
        if (bad) atomic_store(&j->bad, bad);
        else quant_find(j->type)->encode(row, dst, t->dims[0]);
    }
}

static sumi_status fail_number(const conversion *c, const rows_job *j, sumi_error *err)
{
    gguf_str name = j->t->name;
    bool large = atomic_load(&j->bad) == BAD_TOO_LARGE;
    return sumi_fail(err, SUMI_ENUMERIC, "%s: tensor '%.*s' has %s", model_source_name(c->in),
                     (int)(name.n < 80 ? name.n : 80), name.data,
                     large ? "numbers that F16 cannot hold; use BF16 or F32" : "numbers that are not finite");
}

static sumi_status write_tensor(conversion *c, int64_t i, sumi_error *err)
{
    const source_tensor *t = model_source_tensor_at(c->in, i);
    size_t row_bytes = dtype_row_bytes(c->out[i].type, t->dims[0]);
    int64_t n_rows = t->n_elems / t->dims[0], n_fit = (int64_t)(c->buffer_bytes / row_bytes);
    for (int64_t first = 0; first < n_rows; first += n_fit) {
        int64_t n = n_rows - first < n_fit ? n_rows - first : n_fit;
        rows_job job = { c, t, c->out[i].type, first, 0 };
        sumi_status st = model_source_fetch(c->in, t, first, n, err);
        if (st != SUMI_OK) return st;
        pool_for(c->threads, n, 1, convert_rows, &job);
        if (atomic_load(&job.bad)) return fail_number(c, &job, err);
        uint64_t at = c->n_head + c->out[i].at + (uint64_t)first * row_bytes;
        st = new_file_write(&c->file, at, c->buffer, (size_t)n * row_bytes, err);
        if (st != SUMI_OK) return st;
        c->done += (uint64_t)n * row_bytes;
        if (c->opts->progress && !c->opts->progress(c->opts->user, c->done, c->total))
            return sumi_fail(err, SUMI_ECANCELLED, "%s: stopped before it was complete", c->file.path);
    }
    model_source_release(c->in, t);
    return SUMI_OK;
}

static sumi_status alloc_buffers(conversion *c, sumi_error *err)
{
    size_t row = 0, out_row = 0;
    int32_t n = c->opts->n_threads > 0 ? c->opts->n_threads : cpu_count();
    for (int64_t i = 0; i < model_source_n_tensors(c->in); i++) {
        const source_tensor *t = model_source_tensor_at(c->in, i);
        size_t raw = mem_round_up(dtype_row_bytes(t->type->type, t->dims[0]), MEM_ALIGN);
        size_t bytes = dtype_row_bytes(c->out[i].type, t->dims[0]), floats = (size_t)t->dims[0] * sizeof(float);
        if (raw > c->scratch_row) c->scratch_row = raw;
        if (floats > row) row = floats;
        if (bytes > out_row) out_row = bytes;
        c->total += bytes * (uint64_t)(t->n_elems / t->dims[0]);
    }
    c->buffer_bytes = out_row > BUFFER_BYTES ? out_row : BUFFER_BYTES;
    c->buffer = mem_alloc(c->buffer_bytes);
    sumi_status st = pool_create(&c->threads, n, err);
    if (st != SUMI_OK) return st;
    n = pool_n_threads(c->threads);
    c->scratch = calloc((size_t)n + 1, sizeof *c->scratch); /* NULL at the end */
    bool there = c->buffer && c->scratch;
    for (int32_t i = 0; there && i < n; i++) there = (c->scratch[i] = mem_alloc(c->scratch_row + row)) != NULL;
    return there ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory");
}

static void deinit(conversion *c)
{
    for (uint8_t **s = c->scratch; s && *s; s++) mem_free(*s);
    free(c->scratch);
    mem_free(c->buffer);
    pool_destroy(c->threads);
    free(c->out);
    new_file_deinit(&c->file);
    model_source_close(c->in);
}

static sumi_status open_file(conversion *c, const char *out, sumi_error *err)
{
    return new_file_open(&c->file, out, c->opts->overwrite ? NEW_FILE_OVERWRITE : 0, c->n_head + c->n_data, err);
}

static sumi_status convert(conversion *c, const char *path, const char *out, sumi_error *err)
{
    uint8_t *head = NULL;
    sumi_status st = model_source_open(&c->in, path, NULL, err);
    if (st == SUMI_OK) st = model_source_refuse_adapter(c->in, err);
    if (st == SUMI_OK) st = choose_types(c, err);
    if (st == SUMI_OK) st = alloc_buffers(c, err);
    if (st == SUMI_OK) st = write_head(c, &head, err);
    if (st == SUMI_OK) st = open_file(c, out, err);
    if (st == SUMI_OK) st = new_file_write(&c->file, 0, head, c->n_head, err);
    free(head);
    for (int64_t i = 0; st == SUMI_OK && i < model_source_n_tensors(c->in); i++) st = write_tensor(c, i, err);
    if (st == SUMI_OK) st = new_file_pad(&c->file, c->n_head + c->n_data, err);
    if (st == SUMI_OK) st = model_source_finish_reading(c->in, err); /* all of it is one version of the model */
    if (st == SUMI_OK) st = new_file_finish(&c->file, err);
    return st;
}

void sumi_convert_opts_init(sumi_convert_opts *opts, size_t size)
{
    const sumi_convert_opts defaults = { .size = size };
    sized_give(opts, size, &defaults, sizeof defaults);
}

const char *sumi_convert_type(int32_t i, const char **summary)
{
    const file_type *m = file_type_at(i);
    if (summary) *summary = m ? m->summary : NULL;
    return m ? m->name : NULL;
}

sumi_status sumi_convert(const char *path, const char *out, const sumi_convert_opts *opts, sumi_error *err)
{
    sumi_convert_opts o = sumi_convert_opts_default();
    conversion c = { .opts = &o, .file = { .fd = -1 } };
    sumi_status st = sized_take(&o, sizeof o, opts, "sumi_convert_opts", err);
    if (st != SUMI_OK) return st;
    if (c.opts->type && !(c.mix = file_type_find(c.opts->type)))
        return sumi_fail(err, SUMI_EINVAL, "type '%.40s' is not known", c.opts->type);
    if (c.opts->n_threads < 0 || c.opts->n_threads > 1024)
        return sumi_fail(err, SUMI_EINVAL, "%d threads; 0 to 1024 are possible", (int)c.opts->n_threads);
    st = convert(&c, path, out, err);
    deinit(&c);
    return st;
}
