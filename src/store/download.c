/* download.c - see download.h. */
#include "store/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <jansson.h>

#include "base/error.h"
#include "base/json_read.h"
#include "base/os/new_file.h"
#include "store/names.h"

#define MAX_ETAG  256
#define MAX_STATE 16384

#define CHECKPOINT ((int64_t)64 << 20) /* bytes between two updates of the state file */

typedef struct part { /* of one call of download() */
    const download_file *file;
    char path[4096], state_path[4096]; /* PATH.part, PATH.part.json */
    int fd;
    int64_t have, n_bytes; /* n_bytes: of the whole, -1: not known yet */
    digest want;
    hasher h;
    int64_t noted;       /* bytes that the state vouches for, where no digest is known */
    char etag[MAX_ETAG]; /* of the file that the part belongs to; "": none, or a weak one */
} part;

/* ---- The state file: which file the part belongs to ---- */

/* If the file has no digest that could verify the whole, the state has the SHA-256 of the bytes that were synced to the
 * disk: after a power cut a part may be longer than its valid bytes. */
static sumi_status write_state(part *p, sumi_error *err)
{
    hasher so_far = p->h;
    bool proven = p->want.kind != DIGEST_NONE;
    if (!proven && p->have > 0 && fdatasync(p->fd) != 0) return sumi_fail_errno(err, p->path);
    p->noted = p->have;
    json_t *state = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "url", p->file->url, "etag", p->etag, "digest",
                              p->want.hex, "bytes", (json_int_t)p->n_bytes, "kept", (json_int_t)p->have, "kept_sha256",
                              proven ? "" : hasher_end(&so_far).hex);
    char *text = state ? json_write(state, JSON_INDENT(2)) : NULL;
    json_decref(state);
    if (!text) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = new_file_write_whole(p->state_path, NEW_FILE_OVERWRITE, text, strlen(text), err);
    free(text);
    return st;
}

static const char *text_of(const json_t *state, const char *key)
{
    const char *text = json_string_value(json_object_get(state, key));
    return text ? text : "";
}

/* The state; NULL: there is none, or the path is not a regular file. O_NONBLOCK: opening a FIFO must not wait. */
static json_t *load_state(const part *p)
{
    struct stat s;
    char text[MAX_STATE];
    size_t n = 0;
    int fd = open(p->state_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return NULL;
    bool whole = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size <= MAX_STATE;
    for (ssize_t got = 1; whole && got > 0 && n < sizeof text; n += (size_t)got) {
        got = read(fd, text + n, sizeof text - n);
        if (got < 0) whole = false, got = 0;
    }
    close(fd);
    return whole ? json_read(text, n, 0, NULL) : NULL;
}

/* The number of bytes of the part that can be resumed: 0 if it belongs to another file. If the file has no digest, sets
 * etag to the value that the server must confirm, and *kept to the digest of these bytes. */
static int64_t read_state(part *p, int64_t n_part, digest *kept)
{
    json_t *state = load_state(p);
    const char *etag = text_of(state, "etag"), *hex = text_of(state, "kept_sha256");
    int64_t n = 0, noted = json_integer_value(json_object_get(state, "kept"));
    if (p->want.kind != DIGEST_NONE) {
        n = strcmp(text_of(state, "digest"), p->want.hex) ? 0 : n_part;
    } else if (*etag && strlen(etag) < sizeof p->etag && !strcmp(text_of(state, "url"), p->file->url) && noted > 0 &&
               noted <= n_part && digest_parse(kept, DIGEST_SHA256, hex, strlen(hex))) {
        n = noted;
        strcpy(p->etag, etag);
    }
    json_decref(state);
    return n;
}

/* ---- The sink ---- */

static sumi_status start_over(part *p, sumi_error *err)
{
    if (ftruncate(p->fd, 0) != 0 || lseek(p->fd, 0, SEEK_SET) != 0) return sumi_fail_errno(err, p->path);
    p->have = p->noted = 0;
    hasher_init(&p->h, p->want.kind, p->file->n_bytes);
    return SUMI_OK;
}

static int64_t have(void *self, const char **etag)
{
    part *p = self;
    *etag = *p->etag ? p->etag : NULL;
    return p->have;
}

/* The hub names the SHA-256 of large files on the way to them (X-Linked-ETag of the answer that redirects): it is better
 * than a git id, which may be that of a pointer to the file. */
static sumi_status take_linked_digest(part *p, const fetcher *f, bool resumed, sumi_error *err)
{
    digest linked;
    const char *text = fetch_header(f, "X-Linked-ETag", true);
    if (!text || p->want.kind == DIGEST_SHA256) return SUMI_OK;
    text += strspn(text, "\"");
    if (!digest_parse(&linked, DIGEST_SHA256, text, strcspn(text, "\""))) return SUMI_OK;
    p->want = linked;
    const char *size = fetch_header(f, "X-Linked-Size", true);
    p->n_bytes = size ? strtoll(size, NULL, 10) : -1;
    return resumed ? sumi_fail(err, SUMI_EFORMAT, "the file has changed") : SUMI_OK;
}

/* Checks that the part belongs to the server's present file. A weak ETag (W/) does not prove equal bytes. */
static sumi_status take_etag(part *p, const fetcher *f, bool resumed, sumi_error *err)
{
    const char *etag = fetch_header(f, "ETag", false);
    if (!etag || *etag != '"' || strlen(etag) >= sizeof p->etag) etag = "";
    for (const char *c = etag; *c; c++)
        if (*c < ' ' || *c > '~') etag = "";
    if (resumed && *p->etag && strcmp(p->etag, etag) != 0)
        return sumi_fail(err, SUMI_EFORMAT, "the file has changed"); /* the server ignores If-Range */
    strcpy(p->etag, p->want.kind == DIGEST_NONE ? etag : "");
    return SUMI_OK;
}

static sumi_status check_space(const part *p, sumi_error *err)
{
    struct statvfs s;
    if (p->n_bytes < 0 || fstatvfs(p->fd, &s) != 0) return SUMI_OK;
    uint64_t room = (uint64_t)s.f_bavail * s.f_frsize, needed = (uint64_t)(p->n_bytes - p->have);
    if (p->n_bytes < p->have || needed <= room) return SUMI_OK;
    return sumi_fail(err, SUMI_EIO, "%s: %.1f GiB more are needed, and %.1f GiB are free", p->file->path,
                     (double)needed / 0x1p30, (double)room / 0x1p30);
}

static sumi_status begin(void *self, const fetcher *f, int64_t first, int64_t n_bytes, sumi_error *err)
{
    part *p = self;
    sumi_status st = SUMI_OK;
    if ((st = take_linked_digest(p, f, first > 0, err))) return st;
    if ((st = take_etag(p, f, first > 0, err))) return st;
    /* A whole body of another size may be some proxy's page: the part stays. */
    if (p->n_bytes >= 0 && n_bytes >= 0 && n_bytes != p->n_bytes)
        return sumi_fail(err, first > 0 ? SUMI_EFORMAT : SUMI_EIO, "the server has %" PRId64 " bytes, not %" PRId64,
                         n_bytes, p->n_bytes);
    if (p->n_bytes < 0) p->n_bytes = n_bytes;
    if (first == 0 && (st = start_over(p, err))) return st;
    if ((st = check_space(p, err))) return st;
    return write_state(p, err);
}

static sumi_status write_body(void *self, const void *data, size_t n, sumi_error *err)
{
    part *p = self;
    if (p->n_bytes >= 0 && (int64_t)n > p->n_bytes - p->have)
        return sumi_fail(err, SUMI_EFORMAT, "the server sends more than %" PRId64 " bytes", p->n_bytes);
    hasher_add(&p->h, data, n);
    for (const char *at = data; n > 0;) {
        ssize_t written = write(p->fd, at, n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return sumi_fail_errno(err, p->path);
        at += written;
        n -= (size_t)written;
        p->have += written;
    }
    if (p->file->progress) p->file->progress(p->file->user, p->have, p->n_bytes);
    bool due = p->want.kind == DIGEST_NONE && *p->etag && p->have - p->noted >= CHECKPOINT;
    return due ? write_state(p, err) : SUMI_OK;
}

/* ---- One file ---- */

static sumi_status open_part(part *p, bool (*cancelled)(void *user), void *user, sumi_error *err)
{
    struct stat s;
    digest kept = { DIGEST_NONE, "" };
    p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (p->fd < 0 || fstat(p->fd, &s) != 0) return sumi_fail_errno(err, p->path);
    if (!S_ISREG(s.st_mode)) return sumi_fail(err, SUMI_EIO, "%s: is not a regular file", p->path);
    int64_t n = s.st_size > 0 ? read_state(p, s.st_size, &kept) : 0;
    if (n == 0 || (p->n_bytes >= 0 && n > p->n_bytes)) return start_over(p, err);
    if (ftruncate(p->fd, n) != 0 || lseek(p->fd, 0, SEEK_SET) != 0) return sumi_fail_errno(err, p->path);
    hasher_init(&p->h, p->want.kind, p->file->n_bytes);
    p->have = n;
    sumi_status st = hasher_add_file(&p->h, p->fd, p->have, cancelled, user, err);
    if (st != SUMI_OK) {
        sumi_fail_in(err, "%s", p->path);
        return st;
    }
    hasher so_far = p->h;
    digest found = hasher_end(&so_far);
    if (kept.kind == DIGEST_NONE || !strcmp(found.hex, kept.hex)) return SUMI_OK;
    p->etag[0] = '\0';
    return start_over(p, err);
}

static void remove_part(const part *p)
{
    unlink(p->path);
    unlink(p->state_path);
}

/* The minimal check of a file without a digest: a login page is no model. */
static bool looks_right(const part *p)
{
    char magic[4];
    if (!name_ends_with(p->file->path, ".gguf")) return true;
    return pread(p->fd, magic, 4, 0) == 4 && !memcmp(magic, "GGUF", 4);
}

/* All bytes are received: verifies the file and renames it to its final name. */
static sumi_status finish(part *p, download_result *result, sumi_error *err)
{
    result->got = hasher_end(&p->h);
    result->checked = p->want.kind != DIGEST_NONE;
    result->n_bytes = p->have;
    if (p->n_bytes >= 0 && p->have != p->n_bytes)
        return sumi_fail(err, SUMI_EFORMAT, "received %" PRId64 " bytes, not %" PRId64, p->have, p->n_bytes);
    if (result->checked && !digest_equal(&result->got, &p->want))
        return sumi_fail(err, SUMI_EFORMAT, "its %s is %s, not %s: the download was deleted",
                         p->want.kind == DIGEST_SHA256 ? "SHA-256" : "git id", result->got.hex, p->want.hex);
    if (!result->checked && !looks_right(p))
        return sumi_fail(err, SUMI_EFORMAT, "the download is not a GGUF file: it was deleted");
    sumi_status st = new_file_replace(p->fd, p->path, p->file->path, err);
    if (st == SUMI_OK) unlink(p->state_path);
    return st;
}

/* One attempt, from the bytes that the part has. */
static sumi_status run(fetcher *f, part *p, download_result *result, sumi_error *err)
{
    fetch_source source = { .url = p->file->url, .token = p->file->token };
    fetch_sink sink = { p, have, begin, write_body };
    result->n_kept = p->have;
    if (p->file->progress) p->file->progress(p->file->user, p->have, p->n_bytes);
    if (p->n_bytes < 0 || p->have < p->n_bytes) {
        sumi_status st = fetch(f, &source, &sink, err);
        if (st != SUMI_OK) return st;
    }
    sumi_status st = finish(p, result, err);
    if (st != SUMI_OK) sumi_fail_in(err, "%s", name_base(p->file->path));
    return st;
}

sumi_status download(fetcher *f, const download_file *file, bool (*cancelled)(void *user), void *user,
                     download_result *result, sumi_error *err)
{
    part p = { .file = file, .fd = -1, .n_bytes = file->n_bytes, .want = file->want };
    *result = (download_result){ 0 };
    if ((size_t)snprintf(p.path, sizeof p.path, "%s.part", file->path) >= sizeof p.path ||
        (size_t)snprintf(p.state_path, sizeof p.state_path, "%s.part.json", file->path) >= sizeof p.state_path)
        return sumi_fail(err, SUMI_EINVAL, "%.100s...: the path is too long", file->path);
    sumi_status st = open_part(&p, cancelled, user, err);
    if (st == SUMI_OK) st = check_space(&p, err);
    if (st == SUMI_OK) st = run(f, &p, result, err);
    if (st == SUMI_EFORMAT && result->n_kept > 0) { /* maybe the part was to blame: once more without it */
        if ((st = start_over(&p, err)) == SUMI_OK) st = run(f, &p, result, err);
    }
    if (st != SUMI_OK && p.want.kind == DIGEST_NONE && *p.etag && p.have > p.noted)
        (void)!write_state(&p, NULL); /* else less is kept */
    if (p.fd >= 0) close(p.fd);
    if (st == SUMI_EFORMAT || (st != SUMI_OK && p.have == 0 && p.fd >= 0)) remove_part(&p);
    return st;
}

int64_t download_part_bytes(const char *path)
{
    char name[4096];
    struct stat s;
    if ((size_t)snprintf(name, sizeof name, "%s.part", path) >= sizeof name || stat(name, &s) != 0) return 0;
    return s.st_size;
}
