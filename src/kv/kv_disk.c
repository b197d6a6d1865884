/* kv_disk.c - the prefix index as a file. See kv_disk.h for the idea; here are the bytes, all numbers
 * little-endian:
 *
 *   header  0 magic[8]   8 u32 version   12 u32 KV_BLOCK   16 u64 fingerprint[2]   32 u32 n_groups
 *           36 u32 n_layers     40 u64 block_bytes   48 u64 n_records   56 u64 kv_layout_hash()
 *           64 u64 checksum of 0..63
 *   record  0 u32 parent, NO_PARENT: none   4 u32 n_blocks   8 u64 salt   16 u64 adapter   24 i32 ids[KV_BLOCK]
 *           88 u8 has[n_groups], padded to 8   then n_blocks blocks   then u64 checksum of all before
 *
 * The key of a record's checksum contains the header's checksum and the record's number, so a record of another file or at
 * another place is rejected. Records are in the order of last use, parents before children: if the loader runs out of
 * blocks, it stops and has the most useful part.
 *
 * Loading does not trust the file: every size is compared with the file's before it is used. */
#include "kv/kv_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/os/new_file.h"
#include "kv/kv_cache_internal.h"

#define VERSION      2
#define HEADER_BYTES 72
#define RECORD_FIXED 88
#define NO_PARENT    UINT32_MAX
static const char MAGIC[8] = "SUMIKV\r\n";

static void put32(uint8_t *p, uint32_t x)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> (8 * i));
}

static void put64(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(x >> (8 * i));
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t x = 0;
    for (int i = 0; i < 4; i++) x |= (uint32_t)p[i] << (8 * i);
    return x;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static size_t record_head_bytes(const kv_cache *c)
{
    return RECORD_FIXED + mem_round_up((size_t)c->n_groups, 8);
}

static uint64_t record_checksum(uint64_t header_checksum, uint64_t number, const uint8_t *record, size_t n)
{
    return siphash((sip_key){ header_checksum, number }, record, n);
}

static void make_header(uint8_t *h, const kv_cache *c, const kv_disk_opts *o, uint64_t n_records)
{
    memcpy(h, MAGIC, sizeof MAGIC);
    put32(h + 8, VERSION);
    put32(h + 12, KV_BLOCK);
    put64(h + 16, o->fingerprint.word[0]);
    put64(h + 24, o->fingerprint.word[1]);
    put32(h + 32, (uint32_t)c->n_groups);
    put32(h + 36, (uint32_t)c->n_layers);
    put64(h + 40, c->memory.block_bytes);
    put64(h + 48, n_records);
    put64(h + 56, c->layout_hash);
    put64(h + 64, siphash((sip_key){ 0 }, h, 64));
}

/* ---- Saving ---- */

typedef struct writer {
    const kv_cache *c;
    const kv_disk_opts *o;
    new_file file;
    uint64_t at; /* bytes that are written */
    uint64_t header_checksum, bytes;
    uint8_t *record; /* scratch: the largest record */
    int32_t *order;  /* [n_used] nodes to write, in this order */
    int32_t *number; /* [n_nodes] its record; -1: not in the file */
    int32_t n_records;
} writer;

static sumi_status append(writer *w, const uint8_t *bytes, size_t n, sumi_error *err)
{
    sumi_status status = new_file_write(&w->file, w->at, bytes, n, err);
    w->at += n;
    return status;
}

static int32_t count_blocks(const kv_cache *c, int32_t node)
{
    int32_t n = 0;
    for (int32_t g = 0; g < c->n_groups; g++) n += kv_prefix_blocks(&c->prefix, node)[g] >= 0;
    return n;
}

static size_t record_bytes(const kv_cache *c, int32_t n_blocks)
{
    return record_head_bytes(c) + (size_t)n_blocks * c->memory.block_bytes + 8;
}

static sumi_status write_record(writer *w, int32_t number, sumi_error *err)
{
    const kv_cache *c = w->c;
    const kv_node *n = &c->prefix.nodes[w->order[number]];
    const int32_t *blocks = kv_prefix_blocks(&c->prefix, w->order[number]);
    uint8_t *r = w->record, *bytes = r + record_head_bytes(c);
    memset(r, 0, record_head_bytes(c));
    put32(r, n->parent >= 0 ? (uint32_t)w->number[n->parent] : NO_PARENT);
    put32(r + 4, (uint32_t)count_blocks(c, w->order[number]));
    put64(r + 8, n->origin.salt);
    put64(r + 16, n->origin.adapter);
    for (int32_t i = 0; i < KV_BLOCK; i++) put32(r + 24 + 4 * i, (uint32_t)n->ids[i]);
    for (int32_t g = 0; g < c->n_groups; g++) {
        if (blocks[g] < 0) continue;
        r[RECORD_FIXED + g] = 1;
        c->memory.read(c->memory.self, blocks[g], bytes);
        bytes += c->memory.block_bytes;
    }
    put64(bytes, record_checksum(w->header_checksum, (uint64_t)number, r, (size_t)(bytes - r)));
    return append(w, r, (size_t)(bytes - r) + 8, err);
}

typedef struct candidate {
    uint64_t tick;
    int32_t depth, node;
} candidate;

static int used_last_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->tick != y->tick) return x->tick > y->tick ? -1 : 1;
    return x->depth != y->depth ? (x->depth > y->depth) - (x->depth < y->depth)
                                : (x->node > y->node) - (x->node < y->node);
}

/* Appends node and those of its ancestors that are not in the order yet; false: they do not fit. */
static bool append_path(writer *w, int32_t node)
{
    const kv_node *nodes = w->c->prefix.nodes;
    int32_t n = 0;
    uint64_t bytes = 0;
    for (int32_t i = node; i >= 0 && w->number[i] < 0; i = nodes[i].parent, n++)
        bytes += record_bytes(w->c, count_blocks(w->c, i));
    if (w->o->max_bytes && bytes > w->o->max_bytes - w->bytes) return false;
    w->bytes += bytes;
    w->n_records += n;
    for (int32_t i = node, at = w->n_records; i >= 0 && w->number[i] < 0; i = nodes[i].parent) {
        w->order[--at] = i;
        w->number[i] = at;
    }
    return true;
}

static bool choose_records(writer *w)
{
    const kv_prefix *p = &w->c->prefix;
    candidate *all = calloc((size_t)p->n_used + 1, sizeof *all);
    size_t n = 0;
    if (!all) return false;
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const kv_node *node = &p->nodes[i];
        w->number[i] = -1;
        if (node->depth && (w->o->salted || !node->origin.salt))
            all[n++] = (candidate){ node->n_held ? UINT64_MAX : node->tick, node->depth, i };
    }
    qsort(all, n, sizeof *all, used_last_first);
    w->bytes = HEADER_BYTES;
    bool fits = !w->o->max_bytes || w->o->max_bytes >= HEADER_BYTES;
    for (size_t i = 0; i < n && fits; i++) fits = append_path(w, all[i].node);
    free(all);
    return true;
}

static sumi_status write_file(writer *w, sumi_error *err)
{
    uint8_t header[HEADER_BYTES];
    make_header(header, w->c, w->o, (uint64_t)w->n_records);
    w->header_checksum = get64(header + 64);
    sumi_status status = append(w, header, sizeof header, err);
    for (int32_t i = 0; i < w->n_records && status == SUMI_OK; i++) status = write_record(w, i, err);
    return status;
}

static sumi_status write_and_rename(writer *w, const char *path, sumi_error *err)
{
    sumi_status status = new_file_open(&w->file, path, NEW_FILE_OVERWRITE | NEW_FILE_PRIVATE, w->bytes, err);
    if (status == SUMI_OK) status = write_file(w, err);
    if (status == SUMI_OK) status = new_file_finish(&w->file, err);
    new_file_deinit(&w->file);
    return status;
}

sumi_status kv_disk_save(const kv_cache *c, const char *path, const kv_disk_opts *o, sumi_error *err)
{
    writer w = { .c = c, .o = o };
    size_t n_nodes = (size_t)c->prefix.n_nodes + 1;
    w.order = calloc(n_nodes, sizeof *w.order);
    w.number = calloc(n_nodes, sizeof *w.number);
    w.record = malloc(record_bytes(c, c->n_groups));
    bool all = w.order && w.number && w.record && choose_records(&w);
    sumi_status status = all ? write_and_rename(&w, path, err) : sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", path);
    free(w.order);
    free(w.number);
    free(w.record);
    return status;
}

/* ---- Loading ---- */

typedef struct reader {
    kv_cache *c;
    int fd;
    const char *name;
    uint64_t n_bytes, at; /* of the file; how many are read */
    uint64_t header_checksum, n_records;
    uint8_t *record; /* scratch: the largest record */
    int32_t *node;   /* [n_records read] */
    sumi_error *err;
} reader;

static sumi_status damaged(const reader *r, const char *what)
{
    return sumi_fail(r->err, SUMI_EFORMAT, "%s: damaged prefix cache: %s; delete it", r->name, what);
}

/* The next n bytes; the caller has made sure that they are inside the file's size. */
static sumi_status read_next(reader *r, uint8_t *bytes, size_t n)
{
    if (n > r->n_bytes - r->at) return damaged(r, "it is cut off");
    while (n > 0) {
        ssize_t done = pread(r->fd, bytes, n, (off_t)r->at);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return sumi_fail(r->err, SUMI_EIO, "%s: cannot be read: %s", r->name, strerror(errno));
        if (done == 0) return damaged(r, "it is cut off");
        bytes += done;
        n -= (size_t)done;
        r->at += (uint64_t)done;
    }
    return SUMI_OK;
}

static sumi_status read_header(reader *r, const kv_disk_opts *o)
{
    uint8_t h[HEADER_BYTES], wanted[HEADER_BYTES];
    sumi_status status = read_next(r, h, sizeof h);
    if (status != SUMI_OK) return status;
    if (memcmp(h, MAGIC, sizeof MAGIC))
        return sumi_fail(r->err, SUMI_EFORMAT, "%s: not a prefix cache of sumi", r->name);
    if (get64(h + 64) != siphash((sip_key){ 0 }, h, 64)) return damaged(r, "the checksum of its header is wrong");
    r->n_records = get64(h + 48);
    r->header_checksum = get64(h + 64);
    make_header(wanted, r->c, o, r->n_records);
    if (memcmp(h, wanted, sizeof h))
        return sumi_fail(r->err, SUMI_EUNSUPPORTED,
                         "%s: a prefix cache of another model, processor level or version of sumi; delete "
                         "it, or name another folder",
                         r->name);
    if (r->n_records > (r->n_bytes - r->at) / record_bytes(r->c, 0))
        return damaged(r, "it counts more records than it has");
    return SUMI_OK;
}

/* Reads record number into r->record and checks everything except its place in the index. */
static sumi_status read_record(reader *r, uint64_t number)
{
    const kv_cache *c = r->c;
    uint8_t *p = r->record;
    size_t head = record_head_bytes(c);
    uint32_t n_has = 0;
    sumi_status status = read_next(r, p, head);
    if (status != SUMI_OK) return status;
    uint32_t n_blocks = get32(p + 4), parent = get32(p);
    for (int32_t g = 0; g < c->n_groups; g++) {
        if (p[RECORD_FIXED + g] > 1 || (!p[RECORD_FIXED + g] && !c->windows[g]))
            return damaged(r, "a record lacks a block");
        n_has += p[RECORD_FIXED + g];
    }
    if (n_has != n_blocks) return damaged(r, "a record has the wrong number of blocks");
    if (parent != NO_PARENT && parent >= number) return damaged(r, "a record comes before its parent");
    size_t bytes = record_bytes(c, (int32_t)n_blocks);
    if ((status = read_next(r, p + head, bytes - head))) return status;
    if (get64(p + bytes - 8) != record_checksum(r->header_checksum, number, p, bytes - 8))
        return damaged(r, "the checksum of a record is wrong");
    return SUMI_OK;
}

/* The record becomes a node with cached blocks. */
static sumi_status add_record(reader *r, uint64_t number)
{
    kv_cache *c = r->c;
    const uint8_t *p = r->record, *bytes = p + record_head_bytes(c);
    uint32_t parent_number = get32(p);
    int32_t ids[KV_BLOCK], parent = parent_number == NO_PARENT ? -1 : r->node[parent_number];
    kv_origin origin = { get64(p + 8), get64(p + 16) };
    for (int32_t i = 0; i < KV_BLOCK; i++) ids[i] = (int32_t)get32(p + 24 + 4 * i);
    if (parent >= 0 && (c->prefix.nodes[parent].origin.salt != origin.salt ||
                        c->prefix.nodes[parent].origin.adapter != origin.adapter))
        return damaged(r, "a record is not of the same client as its parent");
    if (kv_prefix_find(&c->prefix, parent, origin, ids) >= 0) return damaged(r, "a record is there twice");
    c->prefix.clock = r->n_records - number; /* the first record was used most recently */
    int32_t node = r->node[number] = kv_prefix_add(&c->prefix, parent, origin, ids);
    for (int32_t g = 0; g < c->n_groups; g++) {
        if (!p[RECORD_FIXED + g]) continue;
        int32_t block = kv_cache_take(c, g); /* one is free */
        c->memory.write(c->memory.self, block, bytes);
        bytes += c->memory.block_bytes;
        kv_prefix_set_block(&c->prefix, node, g, block);
        kv_prefix_drop(&c->prefix, block, false);
    }
    return SUMI_OK;
}

static sumi_status read_records(reader *r, int64_t *n_loaded)
{
    for (uint64_t i = 0; i < r->n_records; i++) {
        if (r->c->prefix.unused < 0 || r->c->pool.n_free < r->c->n_groups)
            return SUMI_OK; /* full: all further records are older */
        sumi_status status = read_record(r, i);
        if (status == SUMI_OK) status = add_record(r, i);
        if (status != SUMI_OK) return status;
        ++*n_loaded;
    }
    return r->at == r->n_bytes ? SUMI_OK : damaged(r, "something follows its records");
}

sumi_status kv_disk_load_fd(kv_cache *c, int fd, uint64_t n_bytes, const char *name, const kv_disk_opts *o,
                            int64_t *n_tokens, sumi_error *err)
{
    reader r = { .c = c, .fd = fd, .name = name, .n_bytes = n_bytes, .err = err };
    int64_t n_loaded = 0;
    assert(c->prefix.n_used == 0);
    if (n_tokens) *n_tokens = 0;
    if (!c->prefix.n_nodes) return SUMI_OK;
    sumi_status status = read_header(&r, o);
    if (status != SUMI_OK) return status;
    size_t n_nodes = r.n_records < (uint64_t)c->prefix.n_nodes ? (size_t)r.n_records : (size_t)c->prefix.n_nodes;
    r.node = calloc(n_nodes + 1, sizeof *r.node);
    r.record = malloc(record_bytes(c, c->n_groups));
    if (r.node && r.record) status = read_records(&r, &n_loaded);
    else status = sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", name);
    free(r.node);
    free(r.record);
    if (status != SUMI_OK) kv_cache_drop_cached(c);
    c->prefix.n_evicted = 0;
    c->prefix.clock = r.n_records + 1;
    if (n_tokens && status == SUMI_OK) *n_tokens = n_loaded * KV_BLOCK;
    return status;
}

sumi_status kv_disk_load(kv_cache *c, const char *path, const kv_disk_opts *o, int64_t *n_tokens, sumi_error *err)
{
    struct stat st;
    if (n_tokens) *n_tokens = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return SUMI_OK;
    if (fd < 0 || fstat(fd, &st) != 0) {
        sumi_fail(err, SUMI_EIO, "%s: cannot be opened: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        return SUMI_EIO;
    }
    sumi_status status;
    if (!S_ISREG(st.st_mode)) status = sumi_fail(err, SUMI_EFORMAT, "%s: not a file", path);
    else if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)))
        status = sumi_fail(err, SUMI_EFORMAT, "%s: others may have written it; delete it", path);
    else status = kv_disk_load_fd(c, fd, (uint64_t)st.st_size, path, o, n_tokens, err);
    close(fd);
    return status;
}
