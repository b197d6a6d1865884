/* gguf.c - opening a GGUF file: its bytes, the header, the order in which its parts are read.
 *
 * Format: docs/gguf.md of the ggml project. All numbers are little-endian and packed without padding:
 *
 *   byte 0   "GGUF"
 *        4   u32 version         2 and 3 have the same layout; 1 had 32-bit lengths and is not read
 *        8   u64 n_tensors
 *       16   u64 n_kv
 *       24   n_kv     x { name, u32 type, value }                          gguf_meta.c
 *            n_tensors x { name, u32 n_dims, u64 dims[], u32 type, u64 offset }   gguf_tensors.c
 *            zeros up to a multiple of general.alignment
 *            the bytes of the tensors, each at (this place + its offset)
 *
 *   a name or string is { u64 n_bytes, bytes }
 *
 * Invariants, once gguf_open() has returned SUMI_OK:
 *   (1) Every string, array and tensor lies inside [data, data + n_bytes).
 *   (2) Keys are distinct, and so are tensor names; keys[] and names[] hold all of them.
 *   (3) Allocations are bounded by the file: a count is compared with the bytes that are left before memory is taken.
 *
 * Errors are built from the inside out: the parser of a value says what is wrong, the loop around it adds the key and
 * the byte, and open_bytes() adds the file. */
#include "format/gguf_internal.h"

#include <stdlib.h>

#include "base/error.h"
#include "format/file_bytes.h"

#define DEFAULT_ALIGNMENT 32

sumi_status gguf_fail_short(const cursor *c, const char *what, sumi_error *err)
{
    return sumi_fail(err, SUMI_EFORMAT, "the file ends inside %s (it has %zu bytes; cut off?)", what, c->n);
}

sumi_status gguf_read_name(cursor *c, gguf_str *name, sumi_error *err)
{
    *name = (gguf_str){ "", 0 };
    uint64_t n = cursor_u64(c);
    if (!c->ok) return gguf_fail_short(c, "a name", err);
    if (n == 0) return sumi_fail(err, SUMI_EFORMAT, "empty name");
    if (n > GGUF_MAX_NAME_BYTES)
        return sumi_fail(err, SUMI_EFORMAT, "name of %llu bytes (at most %d are allowed)", (unsigned long long)n,
                         GGUF_MAX_NAME_BYTES);
    const uint8_t *p = cursor_bytes(c, n);
    if (!p) return gguf_fail_short(c, "a name", err);
    *name = (gguf_str){ (const char *)p, (size_t)n };
    return SUMI_OK;
}

static sumi_status read_version(model_source *src, cursor *c, sumi_error *err)
{
    const uint8_t *magic = cursor_bytes(c, 4);
    if (!magic || memcmp(magic, "GGUF", 4) != 0)
        return sumi_fail(err, SUMI_EFORMAT, "not a GGUF file (it does not begin with \"GGUF\")");
    src->version = cursor_u32(c);
    if (!c->ok) return gguf_fail_short(c, "the header", err);
    if (src->version == 2 || src->version == 3) return SUMI_OK;
    uint32_t swapped = __builtin_bswap32(src->version);
    if (swapped >= 1 && swapped <= 0xffff) /* the low half of a little-endian version is never 0 */
        return sumi_fail(err, SUMI_EUNSUPPORTED, "a big-endian GGUF file; convert it to little-endian");
    return sumi_fail(err, SUMI_EUNSUPPORTED, "GGUF version %u is not known (2 and 3 are)", src->version);
}

static sumi_status read_header(model_source *src, cursor *c, sumi_error *err)
{
    sumi_status st = read_version(src, c, err);
    if (st != SUMI_OK) return st;
    uint64_t n_tensors = cursor_u64(c), n_kv = cursor_u64(c);
    if (!c->ok) return gguf_fail_short(c, "the header", err);
    if (n_tensors > GGUF_MAX_TENSORS)
        return sumi_fail(err, SUMI_ELIMIT, "header at byte 8: %llu tensors (at most %d)", (unsigned long long)n_tensors,
                         GGUF_MAX_TENSORS);
    if (n_kv > GGUF_MAX_KEYS)
        return sumi_fail(err, SUMI_ELIMIT, "header at byte 16: %llu metadata keys (at most %d)",
                         (unsigned long long)n_kv, GGUF_MAX_KEYS);
    src->n_tensors = (int64_t)n_tensors;
    src->n_kv = (int64_t)n_kv;
    return SUMI_OK;
}

static sumi_status read_alignment(model_source *src, sumi_error *err)
{
    static const char key[] = "general.alignment";
    int64_t a = DEFAULT_ALIGNMENT;
    if (model_source_find_key(src, key) >= 0 && !model_source_get_i64(src, key, &a))
        return sumi_fail(err, SUMI_EFORMAT, "key '%s' is a %s, not an integer", key,
                         gguf_type_name(model_source_key_type(src, model_source_find_key(src, key))));
    if (a < 8 || a > GGUF_MAX_ALIGNMENT || (a & (a - 1)))
        return sumi_fail(err, SUMI_EFORMAT, "key '%s' is %lld, not a power of two from 8 to %d", key, (long long)a,
                         GGUF_MAX_ALIGNMENT);
    src->alignment = (uint32_t)a;
    return SUMI_OK;
}

sumi_status gguf_read_all(model_source *src, sumi_error *err)
{
    cursor c = src->file ? cursor_init_file(src->file) : cursor_init(src->data, src->n_bytes);
    sumi_status st = read_header(src, &c, err);
    if (st == SUMI_OK) st = gguf_read_metadata(src, &c, err);
    if (st == SUMI_OK) st = read_alignment(src, err);
    if (st == SUMI_OK) st = gguf_read_tensors(src, &c, err);
    /* Bytes after the head are fetched on request. */
    if (st == SUMI_OK && c.n_ready > src->n_head) file_bytes_release(src->file, src->n_head, c.n_ready - src->n_head);
    return st;
}

/* Owns file (NULL: the bytes are the caller's), on failure too. */
static sumi_status open_bytes(model_source **out, const void *data, size_t n_bytes, file_bytes *file, const char *name,
                              sumi_error *err)
{
    model_source *src = calloc(1, sizeof *src);
    char *copy = strdup(name);
    if (!src || !copy) {
        file_bytes_close(file);
        free(src);
        free(copy);
        return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end(name));
    }
    *src = (model_source){ .name = copy, .data = data, .n_bytes = n_bytes, .file = file };
    sumi_status st = gguf_read_all(src, err);
    if (st == SUMI_OK) {
        *out = src;
        return SUMI_OK;
    }
    sumi_fail_in(err, "%s", sumi_path_end(name));
    model_source_close(src);
    return st;
}

sumi_status gguf_open_file(model_source **out, const char *path, sumi_error *err)
{
    file_bytes *f;
    *out = NULL;
    sumi_status st = file_bytes_open(&f, path, err);
    return st == SUMI_OK ? open_bytes(out, f->data, f->n_bytes, f, path, err) : st;
}

sumi_status gguf_open(model_source **out, const char *path, sumi_error *err)
{
    sumi_status st = gguf_open_file(out, path, err);
    if (st == SUMI_OK) st = gguf_join(out, err);
    if (st == SUMI_OK) return SUMI_OK;
    model_source_close(*out);
    *out = NULL;
    return st;
}

sumi_status gguf_open_memory(model_source **out, const void *data, size_t n_bytes, const char *name, sumi_error *err)
{
    *out = NULL;
    return open_bytes(out, data, n_bytes, NULL, name, err);
}

uint32_t gguf_version(const model_source *src)
{
    return src->version;
}

uint32_t gguf_alignment(const model_source *src)
{
    return src->alignment;
}
