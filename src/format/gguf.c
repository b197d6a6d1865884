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

static sumi_status read_version(gguf *g, cursor *c, sumi_error *err)
{
    const uint8_t *magic = cursor_bytes(c, 4);
    if (!magic || memcmp(magic, "GGUF", 4) != 0)
        return sumi_fail(err, SUMI_EFORMAT, "not a GGUF file (it does not begin with \"GGUF\")");
    g->version = cursor_u32(c);
    if (!c->ok) return gguf_fail_short(c, "the header", err);
    if (g->version == 2 || g->version == 3) return SUMI_OK;
    uint32_t swapped = __builtin_bswap32(g->version);
    if (swapped >= 1 && swapped <= 0xffff) /* the low half of a little-endian version is never 0 */
        return sumi_fail(err, SUMI_EUNSUPPORTED, "a big-endian GGUF file; convert it to little-endian");
    return sumi_fail(err, SUMI_EUNSUPPORTED, "GGUF version %u is not known (2 and 3 are)", g->version);
}

static sumi_status read_header(gguf *g, cursor *c, sumi_error *err)
{
    sumi_status st = read_version(g, c, err);
    if (st != SUMI_OK) return st;
    uint64_t n_tensors = cursor_u64(c), n_kv = cursor_u64(c);
    if (!c->ok) return gguf_fail_short(c, "the header", err);
    if (n_tensors > GGUF_MAX_TENSORS)
        return sumi_fail(err, SUMI_ELIMIT, "header at byte 8: %llu tensors (at most %d)", (unsigned long long)n_tensors,
                         GGUF_MAX_TENSORS);
    if (n_kv > GGUF_MAX_KEYS)
        return sumi_fail(err, SUMI_ELIMIT, "header at byte 16: %llu metadata keys (at most %d)",
                         (unsigned long long)n_kv, GGUF_MAX_KEYS);
    g->n_tensors = (int64_t)n_tensors;
    g->n_kv = (int64_t)n_kv;
    return SUMI_OK;
}

static sumi_status read_alignment(gguf *g, sumi_error *err)
{
    static const char key[] = "general.alignment";
    int64_t a = DEFAULT_ALIGNMENT;
    if (gguf_find(g, key) >= 0 && !gguf_get_i64(g, key, &a))
        return sumi_fail(err, SUMI_EFORMAT, "key '%s' is a %s, not an integer", key,
                         gguf_type_name(gguf_key_type(g, gguf_find(g, key))));
    if (a < 8 || a > GGUF_MAX_ALIGNMENT || (a & (a - 1)))
        return sumi_fail(err, SUMI_EFORMAT, "key '%s' is %lld, not a power of two from 8 to %d", key, (long long)a,
                         GGUF_MAX_ALIGNMENT);
    g->alignment = (uint32_t)a;
    return SUMI_OK;
}

sumi_status gguf_read_all(gguf *g, sumi_error *err)
{
    cursor c = g->file ? cursor_init_file(g->file) : cursor_init(g->data, g->n_bytes);
    sumi_status st = read_header(g, &c, err);
    if (st == SUMI_OK) st = gguf_read_metadata(g, &c, err);
    if (st == SUMI_OK) st = read_alignment(g, err);
    if (st == SUMI_OK) st = gguf_read_tensors(g, &c, err);
    /* Bytes after the head are fetched on request. */
    if (st == SUMI_OK && c.n_ready > g->n_head) file_bytes_release(g->file, g->n_head, c.n_ready - g->n_head);
    return st;
}

/* Owns file (NULL: the bytes are the caller's), on failure too. */
static sumi_status open_bytes(gguf **out, const void *data, size_t n_bytes, file_bytes *file, const char *name,
                              sumi_error *err)
{
    gguf *g = calloc(1, sizeof *g);
    char *copy = strdup(name);
    if (!g || !copy) {
        file_bytes_close(file);
        free(g);
        free(copy);
        return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end(name));
    }
    *g = (gguf){ .name = copy, .data = data, .n_bytes = n_bytes, .file = file };
    sumi_status st = gguf_read_all(g, err);
    if (st == SUMI_OK) {
        *out = g;
        return SUMI_OK;
    }
    sumi_fail_in(err, "%s", sumi_path_end(name));
    gguf_close(g);
    return st;
}

sumi_status gguf_open_file(gguf **out, const char *path, sumi_error *err)
{
    file_bytes *f;
    *out = NULL;
    sumi_status st = file_bytes_open(&f, path, err);
    return st == SUMI_OK ? open_bytes(out, f->data, f->n_bytes, f, path, err) : st;
}

sumi_status gguf_open(gguf **out, const char *path, sumi_error *err)
{
    sumi_status st = gguf_open_file(out, path, err);
    if (st == SUMI_OK) st = gguf_join(out, err);
    if (st == SUMI_OK) return SUMI_OK;
    gguf_close(*out);
    *out = NULL;
    return st;
}

sumi_status gguf_open_memory(gguf **out, const void *data, size_t n_bytes, const char *name, sumi_error *err)
{
    *out = NULL;
    return open_bytes(out, data, n_bytes, NULL, name, err);
}

void gguf_close(gguf *g)
{
    if (!g) return;
    for (int64_t i = 0; g->kv && i < g->n_kv; i++) free(g->kv[i].index);
    free(g->kv);
    free(g->tensors);
    strmap_destroy(g->keys);
    strmap_destroy(g->names);
    for (int32_t i = 0; g->more && i < g->n_more; i++) gguf_close(g->more[i]);
    free(g->more);
    file_bytes_close(g->file);
    if (g->elsewhere) {
        g->elsewhere->destroy(g->elsewhere->user);
        free((void *)(uintptr_t)g->data);
    }
    free(g->elsewhere);
    free(g->name);
    free(g);
}

const char *gguf_name(const gguf *g)
{
    return g->name;
}

uint32_t gguf_version(const gguf *g)
{
    return g->version;
}

uint32_t gguf_alignment(const gguf *g)
{
    return g->alignment;
}

/* The file of t, for models whose tensors are in the GGUF files. */
static const gguf *shard_of(const gguf *g, const gguf_tensor *t)
{
    return t->shard == 0 ? g : g->more[t->shard - 1];
}

sumi_status gguf_fetch(const gguf *g, const gguf_tensor *t, int64_t first, int64_t n, sumi_error *err)
{
    if (g->elsewhere) return g->elsewhere->fetch(g->elsewhere->user, t - g->tensors, first, n, err);
    file_bytes *f = shard_of(g, t)->file;
    size_t row_bytes = t->n_bytes / (size_t)(t->n_elems / t->dims[0]);
    return f ? file_bytes_fetch(f, t->offset + (size_t)first * row_bytes, (size_t)n * row_bytes, err) : SUMI_OK;
}

sumi_status gguf_read_rows(const gguf *g, const gguf_tensor *t, int64_t first, int64_t n, void *dst, sumi_error *err)
{
    file_bytes *f = g->elsewhere ? NULL : shard_of(g, t)->file;
    size_t row_bytes = t->n_bytes / (size_t)(t->n_elems / t->dims[0]);
    if (f) return file_bytes_copy(f, t->offset + (size_t)first * row_bytes, (size_t)n * row_bytes, dst, err);
    sumi_status st = gguf_fetch(g, t, first, n, err);
    if (st == SUMI_OK) gguf_make_rows(g, t, first, n, dst);
    return st;
}

void gguf_release(const gguf *g, const gguf_tensor *t)
{
    if (g->elsewhere) {
        g->elsewhere->release(g->elsewhere->user, t - g->tensors);
        return;
    }
    const gguf *in = shard_of(g, t);
    if (in->file && !in->overlaps) file_bytes_release(in->file, t->offset, t->n_bytes);
}

sumi_status gguf_finish_reading(const gguf *g, sumi_error *err)
{
    if (g->elsewhere) return g->elsewhere->finish_reading(g->elsewhere->user, err);
    sumi_status st = g->file ? file_bytes_finish_reading(g->file, err) : SUMI_OK;
    for (int32_t i = 0; st == SUMI_OK && i < g->n_more; i++)
        if (g->more[i]->file) st = file_bytes_finish_reading(g->more[i]->file, err);
    return st;
}

uint64_t gguf_head_hash(const gguf *g, sip_key key)
{
    uint64_t hash = siphash(key, g->data, g->n_head);
    for (int32_t i = 0; i < g->n_more; i++) {
        uint64_t parts[2] = { hash, siphash(key, g->more[i]->data, g->more[i]->n_head) };
        hash = siphash(key, parts, sizeof parts);
    }
    return hash;
}
