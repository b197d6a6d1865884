/* kv_disk.h - the prefix index as a file, so that a later process begins with warm prefixes.
 *
 *   header   magic, version, fingerprint, sizes and groups of the cache, number of records, checksum
 *   record   parent (number of an earlier record, or none), origin, ids[KV_BLOCK], which groups have a block,
 *            their bytes, checksum of all of it                         one for each node of the index (kv_prefix.h)
 *
 * The fingerprint covers everything but tokens that the bytes depend on: model file, kernels, format. Numbers are
 * little-endian. The checksum is SipHash with a known key: it detects damage, not forgery. So the file is created readable
 * and writable by its owner only, and a file that others may write is not loaded. */
#ifndef SUMI_KV_KV_DISK_H
#define SUMI_KV_KV_DISK_H

#include "kv/kv_cache.h"

typedef struct kv_fingerprint {
    uint64_t word[2];
} kv_fingerprint;

typedef struct kv_disk_opts {
    kv_fingerprint fingerprint;
    size_t max_bytes; /* of the file, most recently used prefixes first; 0: no limit */
    bool salted;      /* also save prefixes of clients with a salt. Only for salts that mean the same client in the next
                         process: those of kv_cache_salt() do if that process has the same key */
} kv_disk_opts;

/* Writes the index to path, through a temporary file beside it that replaces path only when it is complete. */
SUMI_MUST_USE sumi_status kv_disk_save(const kv_cache *c, const char *path, const kv_disk_opts *opts, sumi_error *err);

/* Fills the index of a new cache; it stops when no block is free. *n_tokens (may be NULL): the number of loaded tokens. A
 * missing file is no error and loads none. On failure nothing is cached. EIO: the file cannot be read; EFORMAT: it is
 * damaged, or other users may write it; EUNSUPPORTED: another model, processor level or version made it. */
SUMI_MUST_USE sumi_status kv_disk_load(kv_cache *c, const char *path, const kv_disk_opts *opts, int64_t *n_tokens,
                                       sumi_error *err);
/* The same from an open file of n_bytes; name is for messages. */
SUMI_MUST_USE sumi_status kv_disk_load_fd(kv_cache *c, int fd, uint64_t n_bytes, const char *name,
                                          const kv_disk_opts *opts, int64_t *n_tokens, sumi_error *err);

#endif
