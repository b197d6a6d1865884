/* plan.h - what is to be fetched for a reference. Used by pull.c only. */
#ifndef SUMI_STORE_PLAN_H
#define SUMI_STORE_PLAN_H

#include "store/pull.h"

/* Asks the hub or registry. p is zeroed; p->folder is set by the caller. On failure p may be half full. */
SUMI_MUST_USE sumi_status plan_url(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f,
                                   sumi_error *err);
SUMI_MUST_USE sumi_status plan_hf(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f,
                                  sumi_error *err);
SUMI_MUST_USE sumi_status plan_ollama(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f,
                                      sumi_error *err);

/* Adds a file and where it is; url is taken over, NULL: out of memory. */
SUMI_MUST_USE sumi_status plan_add(pull_plan *p, const char *path, int64_t n_bytes, digest d, char *url,
                                   sumi_error *err);

/* The token, if it may be sent to url: over TLS, or to this machine itself. */
const char *plan_token(const pull_opts *o, const char *url);

#endif
