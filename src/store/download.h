/* download.h - one file from the net to its place, in as many goes as it takes.
 *
 *   PATH.part        what has come so far
 *   PATH.part.json   what it is part of: { "url", "etag", "digest", "bytes" }; written before the first byte
 *   PATH             appears, by renaming, when everything is there and its digest is right
 *
 * A part is gone on with if what it is part of is known to be the same: by the digest that the file must have, or by the
 * ETag of the server, which then decides (If-Range). Anything else begins anew. */
#ifndef SUMI_STORE_DOWNLOAD_H
#define SUMI_STORE_DOWNLOAD_H

#include "store/digest.h"
#include "store/fetch.h"

typedef struct download_file {
    const char *url, *token, *path; /* token may be NULL */
    int64_t n_bytes;                /* -1: not known */
    digest want;                    /* DIGEST_NONE: not known */
    /* Bytes that are here, of n_bytes or -1; called often. May be NULL. */
    void (*progress)(void *user, int64_t done, int64_t n_bytes);
    void *user;
} download_file;

typedef struct download_result {
    digest got;
    bool checked;            /* against a digest that was known beforehand */
    int64_t n_bytes, n_kept; /* of the file; of those, from a part of an earlier call */
} download_result;

/* On failure the part is kept if it can be of use. SUMI_EFORMAT: the content is not what it should be, and nothing was
 * kept. Folders of the path must exist. The caller holds a lock on them (lock.h). */
SUMI_MUST_USE sumi_status download(fetcher *f, const download_file *file, bool (*cancelled)(void *user),
                                   void *user, download_result *result, sumi_error *err);

/* Bytes of the part that download() would go on with, as far as that can be known without asking the server. */
int64_t download_part_bytes(const char *path);

#endif
