/* digest.h - the digest that a file must have: a SHA-256, or git's id of the file. */
#ifndef SUMI_STORE_DIGEST_H
#define SUMI_STORE_DIGEST_H

#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "sumi.h"

typedef enum digest_kind {
    DIGEST_NONE, /* nothing is known */
    DIGEST_SHA256,
    DIGEST_GIT_SHA1, /* of "blob N", a NUL and the N bytes: how git names small files of a repository */
} digest_kind;

typedef struct digest {
    digest_kind kind;
    char hex[2 * SHA256_DIGEST_SIZE + 1]; /* lower case */
} digest;

/* n bytes of hexadecimal digits, of the right number for kind; false otherwise. */
SUMI_MUST_USE bool digest_parse(digest *d, digest_kind kind, const char *text, size_t n);

bool digest_equal(const digest *a, const digest *b);

/* Hashes with the function of kind; DIGEST_NONE uses SHA-256, so that there is a digest to show. n_bytes: of the whole
 * file; git's id includes this number. */
typedef struct hasher {
    digest_kind kind;
    struct sha256_ctx sha256;
    struct sha1_ctx sha1;
} hasher;

void hasher_init(hasher *h, digest_kind kind, int64_t n_bytes);
void hasher_add(hasher *h, const void *data, size_t n);
digest hasher_end(hasher *h);

/* Adds the first n_bytes of a file; the position of fd is after them afterwards. cancelled may be NULL. */
SUMI_MUST_USE sumi_status hasher_add_file(hasher *h, int fd, int64_t n_bytes, bool (*cancelled)(void *user), void *user,
                                          sumi_error *err);

#endif
