/* pull.h - downloads a model into the store.
 *
 *   model_ref (ref.h) --hub.h--> plan: which files, their sizes and digests --download.h--> STORE/FOLDER/FILE ...
 *
 * Existing files are read and compared with their digest, so a second pull verifies the model and updates files that have
 * changed. The model's folder is locked while files change. */
#ifndef SUMI_STORE_PULL_H
#define SUMI_STORE_PULL_H

#include "store/fetch.h"
#include "store/ref.h"
#include "store/repo.h"

/* Callbacks for progress. Each may be NULL. */
typedef struct pull_watch {
    void *user;
    void (*note)(void *user, const char *text);                                /* one line */
    void (*file)(void *user, const char *name, int64_t have, int64_t n_bytes); /* work on a file begins */
    void (*progress)(void *user, int64_t done, int64_t n_bytes);               /* n_bytes -1: not known */
    void (*file_end)(void *user);
    bool (*cancelled)(void *user);
} pull_watch;

typedef struct pull_opts {
    const char *root;     /* the store (store.h) */
    const char *endpoint; /* "https://mirror.example", instead of the hub's or the registry's own; NULL: that one */
    const char *token;    /* of the hub; NULL: none */
    digest want;          /* of a URL's file */
    bool want_beside;     /* for a URL: use the digest in URL.sha256 */
    bool dry_run;         /* plan only */
    fetch_opts fetch;     /* callbacks are set by pull() */
    pull_watch watch;
} pull_opts;

/* What a pull is about to fetch. */
typedef struct pull_plan {
    char folder[4096];            /* in the store */
    char open[NAME_MAX_PATH + 1]; /* the file to open, below the folder; "": the folder itself */
    repo files;                   /* only those that are wanted */
    char **urls;                  /* [files.n] */
} pull_plan;

/* Makes a plan and, unless opts->dry_run, downloads its files. *plan is the caller's, also after a failure:
 * pull_plan_deinit(). On success path [n_path] is the path to open. SUMI_ECANCELLED: parts are kept, and the same call
 * resumes them. SUMI_EBUSY: another process is using the folder of this model. */
SUMI_MUST_USE sumi_status pull(const model_ref *ref, const pull_opts *opts, pull_plan *plan, char *path, size_t n_path,
                               sumi_error *err);
void pull_plan_deinit(pull_plan *plan);

#endif
