/* prefix_file.c - prefixes that are saved for the next process: DIR/FINGERPRINT.kv, read when an engine starts and written
 * when it stops. The name identifies the model and the build, so several models may share a folder. A file that is damaged
 * or of another model is reported and ignored: the engine starts with an empty cache and replaces the file at its end.
 * Temporary files of a killed process are removed when the next engine starts.
 *
 * The file identifies clients by their salts, which are made with a secret key (kv_cache_salt()). DIR/salt.key has this
 * key, 16 random bytes, so that a client finds its prefixes again. Without the key, prefixes of clients are not saved. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os/new_file.h"
#include "engine/engine.h"
#include "engine/sumi_model.h"
#include "kv/kv_disk.h"

static sumi_status path_of(const sumi_engine *e, kv_disk_opts *opts, char *path, size_t n, sumi_error *err)
{
    *opts = (kv_disk_opts){ .fingerprint = model_kv_fingerprint(e->model, e->ctx_info.n_ctx),
                            .max_bytes = e->ctx_info.kv_bytes,
                            .salted = e->keeps_salted };
    int used = snprintf(path, n, "%s/%016llx%016llx.kv", e->opts.prefix_dir,
                        (unsigned long long)opts->fingerprint.word[0], (unsigned long long)opts->fingerprint.word[1]);
    if (used > 0 && (size_t)used < n) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "%.64s...: the path is too long", e->opts.prefix_dir);
}

/* ---- The key of the salts ---- */

/* *found: the file exists. With the key, a user could find a text with another client's salt, so other users must not be
 * able to read the file. */
static sumi_status read_salt_key(const char *path, sip_key *key, bool *found, sumi_error *err)
{
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    *found = fd >= 0 || errno != ENOENT;
    if (!*found) return SUMI_OK;
    if (fd < 0) return sumi_fail_errno(err, path);
    sumi_status st = SUMI_OK;
    if (fstat(fd, &s) != 0) st = sumi_fail_errno(err, path);
    else if (!S_ISREG(s.st_mode) || s.st_size != sizeof *key || pread(fd, key, sizeof *key, 0) != sizeof *key)
        st = sumi_fail(err, SUMI_EFORMAT, "%s: not a file of %zu bytes; delete it", path, sizeof *key);
    else if (s.st_uid != geteuid() || (s.st_mode & (S_IRWXG | S_IRWXO)))
        st = sumi_fail(err, SUMI_EFORMAT, "%s: other users may read or write this file; delete it", path);
    close(fd);
    return st;
}

static sumi_status write_new_key(const char *path, sip_key *key, sumi_error *err)
{
    if (getrandom(key, sizeof *key, 0) != sizeof *key) return sumi_fail_errno(err, "getrandom");
    return new_file_write_whole(path, NEW_FILE_PRIVATE, key, sizeof *key, err);
}

/* Loads the folder's key, or makes a new one. If both fail, the cache keeps the key of this process. */
static void load_salt_key(sumi_engine *e)
{
    char path[4096];
    sip_key key;
    sumi_error why, again;
    bool found = false;
    int used = snprintf(path, sizeof path, "%s/salt.key", e->opts.prefix_dir);
    if (used < 0 || (size_t)used >= sizeof path) return; /* path_of() has logged the error */
    sumi_status st = read_salt_key(path, &key, &found, &why);
    if (st == SUMI_OK && !found) {
        st = write_new_key(path, &key, &why);
        if (st != SUMI_OK && read_salt_key(path, &key, &found, &again) == SUMI_OK && found)
            st = SUMI_OK; /* another process has just made the key */
    }
    e->keeps_salted = st == SUMI_OK;
    if (e->keeps_salted) kv_cache_set_salt_key(context_cache(e->ctx), key);
    else
        log_message(&e->model->log, SUMI_LOG_WARN, "%s; prefixes of named clients and salts are not written",
                    why.message);
}

/* ---- The file ---- */

sumi_status prefix_file_load(sumi_engine *e, sumi_error *err)
{
    char path[4096];
    kv_disk_opts opts;
    sumi_error why;
    int64_t n_tokens = 0;
    struct stat s;
    if (!e->opts.prefix_dir) return SUMI_OK;
    sumi_status st = path_of(e, &opts, path, sizeof path, err);
    if (st != SUMI_OK) return st;
    if (mkdir(e->opts.prefix_dir, 0700) != 0 && errno != EEXIST) return sumi_fail_errno(err, e->opts.prefix_dir);
    if (stat(e->opts.prefix_dir, &s) != 0 || !S_ISDIR(s.st_mode))
        return sumi_fail(err, SUMI_EIO, "%s: not a folder", e->opts.prefix_dir);
    int32_t n_left = new_file_sweep(e->opts.prefix_dir, NULL);
    if (n_left)
        log_message(&e->model->log, SUMI_LOG_INFO, "%s: removed %d files of a killed process", e->opts.prefix_dir,
                    n_left);
    load_salt_key(e);
    if (kv_disk_load(context_cache(e->ctx), path, &opts, &n_tokens, &why) != SUMI_OK)
        log_message(&e->model->log, SUMI_LOG_WARN, "%s; the cache of prefixes starts empty", why.message);
    else log_message(&e->model->log, SUMI_LOG_INFO, "%s: loaded prefixes of %lld tokens", path, (long long)n_tokens);
    return SUMI_OK;
}

void prefix_file_save(sumi_engine *e)
{
    char path[4096];
    kv_disk_opts opts;
    sumi_error why;
    if (!e->opts.prefix_dir) return;
    sumi_status st = path_of(e, &opts, path, sizeof path, &why);
    if (st == SUMI_OK) st = kv_disk_save(context_cache(e->ctx), path, &opts, &why);
    if (st != SUMI_OK) log_message(&e->model->log, SUMI_LOG_WARN, "%s; prefixes are not written", why.message);
}
