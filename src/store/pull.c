/* pull.c - see pull.h. */
#include "store/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "store/download.h"
#include "store/lock.h"
#include "store/plan.h"

#define MAX_FOLDER       (4096 - NAME_MAX_PATH - 2) /* so that the path of each file fits after it */
#define SLOW_CHECK_BYTES ((int64_t)1 << 30)         /* a second or two */

void pull_plan_deinit(pull_plan *p)
{
    for (int32_t i = 0; p->urls && i < p->files.n; i++) free(p->urls[i]);
    free(p->urls);
    repo_deinit(&p->files);
    *p = (pull_plan){ 0 };
}

static sumi_status make_plan(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f, sumi_error *err)
{
    char folder[REF_MAX_URL + NAME_MAX_PATH + 1];
    sumi_status st = ref_folder(ref, folder, sizeof folder, err);
    if (st != SUMI_OK) return st;
    if ((size_t)snprintf(p->folder, sizeof p->folder, "%s/%s", o->root, folder) >= MAX_FOLDER)
        return sumi_fail(err, SUMI_EINVAL, "%.100s...: the path is too long", o->root);
    switch (ref->kind) {
    case REF_URL: return plan_url(p, ref, o, f, err);
    case REF_HF: return plan_hf(p, ref, o, f, err);
    case REF_OLLAMA: break;
    }
    return plan_ollama(p, ref, o, f, err);
}

static void file_path(const pull_plan *p, int32_t i, char out[4096])
{
    snprintf(out, 4096, "%.*s/%.*s", MAX_FOLDER, p->folder, NAME_MAX_PATH, p->files.files[i].path);
}

/* Checks that the disk has space for all remaining bytes, so that a full disk is noticed before the first file and not in
 * the last. */
static sumi_status check_space(const pull_plan *p, sumi_error *err)
{
    struct statvfs s;
    int64_t needed = 0;
    for (int32_t i = 0; i < p->files.n; i++) {
        char path[4096];
        struct stat there;
        int64_t n = p->files.files[i].n_bytes;
        file_path(p, i, path);
        if (n < 0 || (stat(path, &there) == 0 && there.st_size == n)) continue;
        n -= download_part_bytes(path);
        if (n > 0 && __builtin_add_overflow(needed, n, &needed)) needed = INT64_MAX;
    }
    if (statvfs(p->folder, &s) != 0) return SUMI_OK;
    uint64_t room = (uint64_t)s.f_bavail * s.f_frsize;
    if ((uint64_t)needed <= room) return SUMI_OK;
    return sumi_fail(err, SUMI_EIO, "%s: %.1f GiB are needed, and %.1f GiB are free", p->folder,
                     (double)needed / 0x1p30, (double)room / 0x1p30);
}

/* Whether the file exists and its digest is right. A file without a known digest is accepted. */
static sumi_status is_there(const pull_plan *p, int32_t i, const pull_opts *o, bool *there, sumi_error *err)
{
    char path[4096];
    struct stat s;
    const repo_file *file = &p->files.files[i];
    file_path(p, i, path);
    *there = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return SUMI_OK;
    sumi_status st = SUMI_OK;
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && (file->n_bytes < 0 || s.st_size == file->n_bytes)) {
        hasher h;
        if (s.st_size > SLOW_CHECK_BYTES && o->watch.note)
            o->watch.note(o->watch.user, "reading the part that is here already, to check it");
        hasher_init(&h, file->digest.kind, file->n_bytes);
        if (file->digest.kind != DIGEST_NONE)
            st = hasher_add_file(&h, fd, s.st_size, o->watch.cancelled, o->watch.user, err);
        if (st != SUMI_OK) sumi_fail_in(err, "%s", path);
        digest got = hasher_end(&h);
        *there = st == SUMI_OK && (file->digest.kind == DIGEST_NONE || digest_equal(&got, &file->digest));
    }
    close(fd);
    return st;
}

static sumi_status fetch_file(const pull_plan *p, int32_t i, const pull_opts *o, fetcher *f, download_result *result,
                              sumi_error *err)
{
    char path[4096];
    const repo_file *file = &p->files.files[i];
    file_path(p, i, path);
    char *slash = strrchr(path, '/');
    *slash = '\0'; /* a file may be in a folder below the model's folder */
    sumi_status st = folder_create(path, err);
    *slash = '/';
    if (st != SUMI_OK) return st;
    if (o->watch.file) o->watch.file(o->watch.user, file->path, download_part_bytes(path), file->n_bytes);
    const download_file want = { .url = p->urls[i],
                                 .token = plan_token(o, p->urls[i]),
                                 .path = path,
                                 .n_bytes = file->n_bytes,
                                 .want = file->digest,
                                 .progress = o->watch.progress,
                                 .user = o->watch.user };
    st = download(f, &want, o->watch.cancelled, o->watch.user, result, err);
    if (o->watch.file_end) o->watch.file_end(o->watch.user);
    return st;
}

static void tell(const pull_opts *o, const repo_file *file, bool there, const download_result *r)
{
    char line[NAME_MAX_PATH + 200];
    if (!o->watch.note) return;
    if (there)
        snprintf(line, sizeof line, "%s: already here%s", file->path, file->digest.kind ? ", digest checked" : "");
    else if (r->checked)
        snprintf(line, sizeof line, "%s: %.1f MiB, %s checked", file->path, (double)r->n_bytes / 0x1p20,
                 r->got.kind == DIGEST_SHA256 ? "SHA-256" : "git id");
    else
        snprintf(line, sizeof line, "%s: %.1f MiB, SHA-256 %s not checked: none was given", file->path,
                 (double)r->n_bytes / 0x1p20, r->got.hex);
    o->watch.note(o->watch.user, line);
}

static sumi_status fetch_all(const pull_plan *p, const pull_opts *o, fetcher *f, sumi_error *err)
{
    sumi_status st = check_space(p, err);
    for (int32_t i = 0; st == SUMI_OK && i < p->files.n; i++) {
        bool there;
        download_result result = { 0 };
        if ((st = is_there(p, i, o, &there, err))) break;
        if (!there) st = fetch_file(p, i, o, f, &result, err);
        if (st == SUMI_OK) tell(o, &p->files.files[i], there, &result);
    }
    return st;
}

static bool is_cancelled(void *user)
{
    const pull_opts *o = user;
    return o->watch.cancelled && o->watch.cancelled(o->watch.user);
}

static void tell_retry(void *user, const char *why, int32_t wait_ms)
{
    const pull_opts *o = user;
    char line[600];
    snprintf(line, sizeof line, "%s; trying again in %.1f s", why, wait_ms / 1000.0);
    if (o->watch.note) o->watch.note(o->watch.user, line);
}

sumi_status pull(const model_ref *ref, const pull_opts *opts, pull_plan *plan, char *path, size_t n_path,
                 sumi_error *err)
{
    fetcher *f = NULL;
    int lock = -1;
    *plan = (pull_plan){ 0 };
    fetch_opts how = opts->fetch;
    how.user = (void *)(uintptr_t)opts;
    how.cancelled = is_cancelled;
    how.retrying = tell_retry;
    sumi_status st = fetcher_create(&f, &how, err);
    if (st == SUMI_OK) st = make_plan(plan, ref, opts, f, err);
    if (st == SUMI_OK && !opts->dry_run) {
        if ((st = folder_create(plan->folder, err)) == SUMI_OK) st = folder_lock(plan->folder, &lock, err);
        if (st == SUMI_OK) st = fetch_all(plan, opts, f, err);
        if (lock >= 0 && st != SUMI_OK) folder_remove_empty(plan->folder, opts->root);
        if (lock >= 0) close(lock);
    }
    if (st == SUMI_OK) snprintf(path, n_path, "%s%s%s", plan->folder, *plan->open ? "/" : "", plan->open);
    fetcher_destroy(f);
    return st;
}
