/* digest.c - see digest.h. */
#include "store/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

bool digest_parse(digest *d, digest_kind kind, const char *text, size_t n)
{
    *d = (digest){ DIGEST_NONE, "" };
    if (n != 2 * (size_t)(kind == DIGEST_SHA256 ? SHA256_DIGEST_SIZE : SHA1_DIGEST_SIZE)) return false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'F') c = (char)(c - 'A' + 'a');
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) return false;
        d->hex[i] = c;
    }
    d->hex[n] = '\0';
    d->kind = kind;
    return true;
}

bool digest_equal(const digest *a, const digest *b)
{
    return a->kind == b->kind && !strcmp(a->hex, b->hex);
}

void hasher_init(hasher *h, digest_kind kind, int64_t n_bytes)
{
    char head[32];
    *h = (hasher){ .kind = kind == DIGEST_NONE ? DIGEST_SHA256 : kind };
    sha256_init(&h->sha256);
    sha1_init(&h->sha1);
    if (kind == DIGEST_GIT_SHA1) /* the NUL belongs to it */
        hasher_add(h, head, (size_t)snprintf(head, sizeof head, "blob %lld", (long long)n_bytes) + 1);
}

void hasher_add(hasher *h, const void *data, size_t n)
{
    if (h->kind == DIGEST_GIT_SHA1) sha1_update(&h->sha1, n, data);
    else sha256_update(&h->sha256, n, data);
}

digest hasher_end(hasher *h)
{
    digest d = { h->kind, "" };
    uint8_t raw[SHA256_DIGEST_SIZE];
    size_t n = h->kind == DIGEST_GIT_SHA1 ? SHA1_DIGEST_SIZE : SHA256_DIGEST_SIZE;
    if (h->kind == DIGEST_GIT_SHA1) sha1_digest(&h->sha1, n, raw);
    else sha256_digest(&h->sha256, n, raw);
    for (size_t i = 0; i < n; i++) snprintf(d.hex + 2 * i, 3, "%02x", raw[i]);
    return d;
}

sumi_status hasher_add_file(hasher *h, int fd, int64_t n_bytes, bool (*cancelled)(void *user), void *user,
                            sumi_error *err)
{
    uint8_t chunk[65536];
    if (lseek(fd, 0, SEEK_SET) != 0) return sumi_fail(err, SUMI_EIO, "%s", strerror(errno));
    while (n_bytes > 0) {
        size_t want = n_bytes < (int64_t)sizeof chunk ? (size_t)n_bytes : sizeof chunk;
        ssize_t n = read(fd, chunk, want);
        if (n < 0 && errno == EINTR) n = 0;
        else if (n < 0) return sumi_fail(err, SUMI_EIO, "%s", strerror(errno));
        else if (n == 0) return sumi_fail(err, SUMI_EIO, "the file became shorter while it was read");
        if (cancelled && cancelled(user)) return sumi_fail(err, SUMI_ECANCELLED, "interrupted");
        hasher_add(h, chunk, (size_t)n);
        n_bytes -= n;
    }
    return SUMI_OK;
}
