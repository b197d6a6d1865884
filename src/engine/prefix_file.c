/* prefix_file.c - prefixes that outlive the process: DIR/FINGERPRINT.kv, read when an engine starts and written when it
 * stops. The name says for which model and build it is, so that several share a folder. A file that is damaged or not
 * ours is told of and left out: the engine starts with nothing in its cache, and replaces it at its end. What a process
 * left that was killed while it wrote is removed when the next engine starts. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/new_file.h"
#include "engine/engine.h"
#include "engine/model.h"
#include "kv/kv_disk.h"

static sumi_status path_of(const sumi_engine *e, kv_disk_opts *opts, char *path, size_t n, sumi_error *err)
{
    *opts = (kv_disk_opts){ .fingerprint = model_kv_fingerprint(e->model, e->ctx_info.n_ctx),
                            .max_bytes = e->ctx_info.kv_bytes };
    int used = snprintf(path, n, "%s/%016llx%016llx.kv", e->opts.prefix_dir,
                        (unsigned long long)opts->fingerprint.word[0],
                        (unsigned long long)opts->fingerprint.word[1]);
    if (used > 0 && (size_t)used < n) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "%.64s...: the path is too long", e->opts.prefix_dir);
}

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
    if (mkdir(e->opts.prefix_dir, 0700) != 0 && errno != EEXIST)
        return sumi_fail_errno(err, e->opts.prefix_dir);
    if (stat(e->opts.prefix_dir, &s) != 0 || !S_ISDIR(s.st_mode))
        return sumi_fail(err, SUMI_EIO, "%s: not a folder", e->opts.prefix_dir);
    int32_t n_left = new_file_sweep(e->opts.prefix_dir, NULL);
    if (n_left)
        log_message(&e->model->log, SUMI_LOG_INFO, "%s: %d files that a process which was killed left are removed",
                    e->opts.prefix_dir, n_left);
    if (kv_disk_load(context_cache(e->ctx), path, &opts, &n_tokens, &why) != SUMI_OK)
        log_message(&e->model->log, SUMI_LOG_WARN, "%s; the cache of prefixes starts empty", why.message);
    else log_message(&e->model->log, SUMI_LOG_INFO, "%s: %lld tokens of prefixes", path, (long long)n_tokens);
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
    if (st != SUMI_OK) log_message(&e->model->log, SUMI_LOG_WARN, "%s; prefixes are not kept", why.message);
}
