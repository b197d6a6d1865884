/* plan.h - the list of files to download for a reference. Used by pull.c only. */
#ifndef SUMI_STORE_PLAN_H
#define SUMI_STORE_PLAN_H

#include "store/pull.h"

/* Asks the hub or registry. The caller has zeroed p and set p->folder. On failure p may be partly filled. */
SUMI_MUST_USE sumi_status plan_url(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f, sumi_error *err);
SUMI_MUST_USE sumi_status plan_hf(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f, sumi_error *err);
SUMI_MUST_USE sumi_status plan_ollama(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f,
                                      sumi_error *err);

/* Adds a file and its URL; takes ownership of url; url NULL: out of memory. */
SUMI_MUST_USE sumi_status plan_add(pull_plan *p, const char *path, int64_t n_bytes, digest d, char *url,
                                   sumi_error *err);

/* The token if it may be sent to url (over TLS, or to this machine), else NULL. */
const char *plan_token(const pull_opts *o, const char *url);

#endif
