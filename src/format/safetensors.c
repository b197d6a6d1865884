/* safetensors.c - see safetensors.h.
 *
 *   byte 0   u64 n_header, little-endian
 *        8   n_header bytes of JSON, an object, maybe followed by spaces:
 *              { "__metadata__": { TEXT: TEXT, ... },
 *                NAME: { "dtype": "BF16", "shape": [ROWS, COLUMNS], "data_offsets": [BEGIN, END] }, ... }
 *            the data section: BEGIN and END count from here
 *
 * The tensors fill the data section without gaps or overlaps, as the specification demands: no byte of the file can mean
 * two things, or nothing. */
#include "format/safetensors.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "format/cursor.h"
#include "format/file_bytes.h"

struct safetensors {
    char *name;
    const uint8_t *data;
    size_t n_bytes;
    file_bytes *file;   /* owned, has data; NULL: data is the caller's */
    st_tensor *tensors; /* [n_tensors] */
    bool *fetched;      /* [n_tensors] */
    int64_t n_tensors;
    char *names; /* all of them, each with its NUL */
};

static const struct {
    const char *name;
    int32_t bits, dtype;
} types[] = {
#define ST_TYPE_ROW(name, bits, dtype) { #name, bits, dtype },
    ST_TYPE_LIST(ST_TYPE_ROW)
#undef ST_TYPE_ROW
};
#define N_TYPES (sizeof types / sizeof *types)

const char *st_type_name(st_type type)
{
    return types[type].name;
}

const dtype_info *st_type_dtype(st_type type)
{
    return types[type].dtype < 0 ? NULL : dtype_find((uint32_t)types[type].dtype);
}

/* ---- One entry ---------------------------------------------------------------------------------------------- */

static sumi_status read_type(st_tensor *t, const json_t *entry, sumi_error *err)
{
    const char *text = json_string_value(json_object_get(entry, "dtype"));
    if (!text) return sumi_fail(err, SUMI_EFORMAT, "\"dtype\" is missing or not a text");
    for (size_t i = 0; i < N_TYPES; i++)
        if (!strcmp(types[i].name, text)) {
            t->type = (st_type)i;
            return SUMI_OK;
        }
    return sumi_fail(err, SUMI_EUNSUPPORTED, "element type '%.32s' is not known", text);
}

/* The dimensions, and the bytes that they need. */
static sumi_status read_shape(st_tensor *t, const json_t *entry, sumi_error *err)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape)) return sumi_fail(err, SUMI_EFORMAT, "\"shape\" is missing or not an array");
    if (json_array_size(shape) > ST_MAX_DIMS)
        return sumi_fail(err, SUMI_ELIMIT, "%zu dimensions (at most %d)", json_array_size(shape), ST_MAX_DIMS);
    t->n_dims = (int32_t)json_array_size(shape);
    t->n_elems = 1;
    for (int32_t d = 0; d < ST_MAX_DIMS; d++) {
        const json_t *v = json_array_get(shape, (size_t)d);
        t->dims[d] = d < t->n_dims ? json_integer_value(v) : 1;
        if (d < t->n_dims && (!json_is_integer(v) || t->dims[d] < 0))
            return sumi_fail(err, SUMI_EFORMAT, "dimension %d is not a whole number", (int)d);
        if (__builtin_mul_overflow(t->n_elems, t->dims[d], &t->n_elems))
            return sumi_fail(err, SUMI_EFORMAT, "the product of its dimensions overflows 63 bits");
    }
    size_t bits;
    if (!mem_mul((size_t)t->n_elems, (size_t)types[t->type].bits, &bits))
        return sumi_fail(err, SUMI_EFORMAT, "its size overflows 64 bits");
    if (bits % 8) return sumi_fail(err, SUMI_EFORMAT, "its size is not a whole number of bytes");
    t->n_bytes = bits / 8;
    return SUMI_OK;
}

/* The place of t. data: the data section, n bytes from byte `at` of the file. */
static sumi_status read_place(st_tensor *t, const json_t *entry, const uint8_t *data, size_t n, size_t at,
                              sumi_error *err)
{
    const json_t *place = json_object_get(entry, "data_offsets");
    const json_t *b = json_array_get(place, 0), *e = json_array_get(place, 1);
    if (json_array_size(place) != 2 || !json_is_integer(b) || !json_is_integer(e))
        return sumi_fail(err, SUMI_EFORMAT, "\"data_offsets\" is not an array of two whole numbers");
    json_int_t begin = json_integer_value(b), end = json_integer_value(e);
    if (begin < 0 || end < begin || (uint64_t)end > n)
        return sumi_fail(err, SUMI_EFORMAT,
                         "its data at %lld to %lld is not inside the data section of %zu bytes (cut off?)",
                         (long long)begin, (long long)end, n);
    if ((size_t)(end - begin) != t->n_bytes)
        return sumi_fail(err, SUMI_EFORMAT, "%lld bytes of data, but its shape needs %zu", (long long)(end - begin),
                         t->n_bytes);
    t->data = data + begin;
    t->offset = at + (size_t)begin;
    return SUMI_OK;
}

/* ---- The file ----------------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const st_tensor *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return x->n_bytes < y->n_bytes ? -1 : x->n_bytes > y->n_bytes; /* empty ones first */
}

static sumi_status check_gaps(const safetensors *s, size_t data_at, sumi_error *err)
{
    size_t at = data_at;
    for (int64_t i = 0; i < s->n_tensors; i++) {
        const st_tensor *t = &s->tensors[i];
        if (t->offset != at)
            return sumi_fail(err, SUMI_EFORMAT, "tensor '%.80s': its data begins at byte %zu, %s", t->name, t->offset,
                             t->offset < at ? "inside the data of another tensor"
                                            : "after bytes that belong to no tensor");
        at += t->n_bytes;
    }
    if (at == s->n_bytes) return SUMI_OK;
    return sumi_fail(err, SUMI_EFORMAT, "%zu bytes at its end belong to no tensor", s->n_bytes - at);
}

static sumi_status reserve(safetensors *s, json_t *header, sumi_error *err)
{
    const char *name;
    json_t *entry;
    size_t n = 1;
    json_object_foreach(header, name, entry) n += strlen(name) + 1;
    if (json_object_size(header) > ST_MAX_TENSORS)
        return sumi_fail(err, SUMI_ELIMIT, "%zu tensors (at most %d)", json_object_size(header), ST_MAX_TENSORS);
    s->names = malloc(n);
    s->tensors = calloc(json_object_size(header) + 1, sizeof *s->tensors);
    s->fetched = calloc(json_object_size(header) + 1, sizeof *s->fetched);
    return s->names && s->tensors && s->fetched ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory");
}

static sumi_status read_entries(safetensors *s, json_t *header, size_t data_at, sumi_error *err)
{
    const char *name;
    json_t *entry;
    sumi_status st = reserve(s, header, err);
    char *end = s->names;
    if (st != SUMI_OK) return st;
    json_object_foreach(header, name, entry)
    {
        st_tensor *t = &s->tensors[s->n_tensors];
        if (!strcmp(name, "__metadata__")) continue;
        if ((st = read_type(t, entry, err)) || (st = read_shape(t, entry, err)) ||
            (st = read_place(t, entry, s->data + data_at, s->n_bytes - data_at, data_at, err))) {
            sumi_fail_in(err, "tensor '%.80s'", name);
            return st;
        }
        t->name = end;
        end = stpcpy(end, name) + 1;
        s->n_tensors++;
    }
    qsort(s->tensors, (size_t)s->n_tensors, sizeof *s->tensors, by_place);
    return check_gaps(s, data_at, err);
}

static sumi_status read_all(safetensors *s, sumi_error *err)
{
    cursor c = s->file ? cursor_init_file(s->file) : cursor_init(s->data, s->n_bytes);
    uint64_t n = cursor_u64(&c);
    if (!c.ok) return sumi_fail(err, SUMI_EFORMAT, "not a safetensors file: it has %zu bytes", s->n_bytes);
    if (n > cursor_left(&c))
        return sumi_fail(err, SUMI_EFORMAT,
                         "not a safetensors file, or cut off: it announces a header of %llu bytes, but has %zu",
                         (unsigned long long)n, s->n_bytes);
    if (n > ST_MAX_HEADER)
        return sumi_fail(err, SUMI_ELIMIT, "a header of %llu bytes (at most %d)", (unsigned long long)n, ST_MAX_HEADER);
    json_error_t why;
    const size_t at = c.pos;
    if (!cursor_bytes(&c, n))
        return sumi_fail(err, SUMI_EIO, "its header of %llu bytes cannot be read", (unsigned long long)n);
    json_t *header = json_read((const char *)s->data + at, (size_t)n, JSON_REJECT_DUPLICATES, &why);
    if (!header)
        return sumi_fail(err, json_read_status(&why, SUMI_EFORMAT), "header at byte %lld: %s",
                         (long long)at + why.position, why.text);
    sumi_status st = json_is_object(header) ? read_entries(s, header, c.pos, err)
                                            : sumi_fail(err, SUMI_EFORMAT, "its header is not a JSON object");
    json_decref(header);
    if (s->file) file_bytes_release(s->file, 0, c.n_ready);
    return st;
}

/* Owns file (NULL: the bytes are the caller's), on failure too. */
static sumi_status open_bytes(safetensors **out, const void *data, size_t n_bytes, file_bytes *file, const char *name,
                              sumi_error *err)
{
    safetensors *s = calloc(1, sizeof *s);
    char *copy = strdup(name);
    *out = NULL;
    if (!s || !copy) {
        file_bytes_close(file);
        free(s);
        free(copy);
        return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end(name));
    }
    *s = (safetensors){ .name = copy, .data = data, .n_bytes = n_bytes, .file = file };
    sumi_status st = read_all(s, err);
    if (st == SUMI_OK) {
        *out = s;
        return SUMI_OK;
    }
    sumi_fail_in(err, "%s", sumi_path_end(name));
    st_close(s);
    return st;
}

sumi_status st_open(safetensors **out, const char *path, sumi_error *err)
{
    file_bytes *f;
    *out = NULL;
    sumi_status st = file_bytes_open(&f, path, err);
    return st == SUMI_OK ? open_bytes(out, f->data, f->n_bytes, f, path, err) : st;
}

sumi_status st_open_memory(safetensors **out, const void *data, size_t n_bytes, const char *name, sumi_error *err)
{
    return open_bytes(out, data, n_bytes, NULL, name, err);
}

void st_close(safetensors *s)
{
    if (!s) return;
    file_bytes_close(s->file);
    free(s->tensors);
    free(s->fetched);
    free(s->names);
    free(s->name);
    free(s);
}

sumi_status st_fetch(safetensors *s, const st_tensor *t, sumi_error *err)
{
    bool *there = &s->fetched[t - s->tensors];
    if (!s->file || *there) return SUMI_OK;
    sumi_status st = file_bytes_fetch(s->file, t->offset, t->n_bytes, err);
    *there = st == SUMI_OK && t->n_bytes > 0;
    return st;
}

/* Only whole pages are given back. A page at an end of the tensor is given back, too, if no other tensor in it is in use:
 * a page that stayed between two tensors would be a mapping of its own, and Linux allows only 65,530 mappings. */
void st_release(safetensors *s, const st_tensor *t)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int64_t first = t - s->tensors, last = first;
    size_t begin = t->offset, end = begin + t->n_bytes;
    if (!s->file) return;
    while (first > 0 && !s->fetched[first - 1] && t->offset - begin < page) begin = s->tensors[--first].offset;
    while (last + 1 < s->n_tensors && !s->fetched[last + 1] && end - (t->offset + t->n_bytes) < page)
        end += s->tensors[++last].n_bytes; /* no gaps: check_gaps() */
    if (first == 0) begin = 0;             /* the header is not read any more */
    file_bytes_release(s->file, begin, end - begin);
    s->fetched[t - s->tensors] = false;
}

sumi_status st_finish_reading(safetensors *s, sumi_error *err)
{
    return s->file ? file_bytes_finish_reading(s->file, err) : SUMI_OK;
}

const char *st_name(const safetensors *s)
{
    return s->name;
}

size_t st_file_bytes(const safetensors *s)
{
    return s->n_bytes;
}

int64_t st_n_tensors(const safetensors *s)
{
    return s->n_tensors;
}

const st_tensor *st_tensor_at(const safetensors *s, int64_t i)
{
    assert(i >= 0 && i < s->n_tensors);
    return &s->tensors[i];
}

bool st_is_pickle(const char *name)
{
    static const char *const endings[] = { ".bin", ".pt", ".pth", ".pkl", ".ckpt" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i])) return true;
    return false;
}
