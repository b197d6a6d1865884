/* download.h - downloads one file, in several attempts if needed.
 *
 *   PATH.part        the bytes received so far
 *   PATH.part.json   describes the whole file: { "url", "etag", "digest", "bytes" }; written before the first byte
 *   PATH             appears, by renaming, when all bytes are there and the digest is right
 *
 * A part is resumed if it belongs to the same file as now: this is known from the digest that the file must have, or from
 * the server's ETag, which the server compares (If-Range). Otherwise the download starts over. */
#ifndef SUMI_STORE_DOWNLOAD_H
#define SUMI_STORE_DOWNLOAD_H

#include "store/digest.h"
#include "store/fetch.h"

typedef struct download_file {
    const char *url, *token, *path; /* token may be NULL */
    int64_t n_bytes;                /* -1: not known */
    digest want;                    /* DIGEST_NONE: not known */
    /* Received bytes, of n_bytes or -1; called often. May be NULL. */
    void (*progress)(void *user, int64_t done, int64_t n_bytes);
    void *user;
} download_file;

typedef struct download_result {
    digest got;
    bool checked;            /* the file was compared with a digest that was known beforehand */
    int64_t n_bytes, n_kept; /* of the file; of these, bytes from a part of an earlier call */
} download_result;

/* On failure the part is kept if it can be resumed. SUMI_EFORMAT: the content is wrong, and the download was deleted. The
 * folders of the path must exist. The caller holds a lock on them (lock.h). */
SUMI_MUST_USE sumi_status download(fetcher *f, const download_file *file, bool (*cancelled)(void *user), void *user,
                                   download_result *result, sumi_error *err);

/* Bytes of the part that download() would resume, as far as this is known without asking the server. */
int64_t download_part_bytes(const char *path);

#endif
