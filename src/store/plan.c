/* plan.c - see plan.h. Which files a URL, a repository of the Hugging Face hub or a model of an Ollama registry means.
 *
 * Hugging Face (huggingface.co/docs/hub/api): GET ENDPOINT/api/models/OWNER/NAME/tree/REVISION?recursive=true lists the
 * files, in pages that a Link header joins; ENDPOINT/OWNER/NAME/resolve/REVISION/FILE redirects to the file.
 * Ollama (OCI distribution specification): GET ENDPOINT/v2/NAMESPACE/NAME/manifests/TAG lists layers, and
 * ENDPOINT/v2/NAMESPACE/NAME/blobs/DIGEST redirects to each. */
#include "store/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/printable.h"
#include "format/gguf.h"
#include "store/hub.h"

#define MAX_SHA256_FILE 4096

static void note(const pull_opts *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(const pull_opts *o, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printable_copy(text, sizeof text, text, strlen(text)); /* parts of it come from the net */
    if (o->watch.note) o->watch.note(o->watch.user, text);
}

sumi_status plan_add(pull_plan *p, const char *path, int64_t n_bytes, digest d, char *url, sumi_error *err)
{
    char **urls = url ? realloc(p->urls, ((size_t)p->files.n + 1) * sizeof *urls) : NULL;
    if (urls) p->urls = urls;
    sumi_status st = urls ? repo_add(&p->files, path, n_bytes, d, err) : sumi_fail(err, SUMI_ENOMEM, "out of memory");
    if (st == SUMI_OK) urls[p->files.n - 1] = url;
    else free(url);
    return st;
}

const char *plan_token(const pull_opts *o, const char *url)
{
    static const char *const local[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
    if (!strncasecmp(url, "https://", 8)) return o->token;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        size_t n = strlen(local[i]);
        if (!strncasecmp(url, local[i], n) && (!url[n] || url[n] == ':' || url[n] == '/')) return o->token;
    }
    return NULL;
}

/* Bytes of an endpoint without slashes at its end: "https://huggingface.co". */
static int endpoint_length(const char *endpoint)
{
    size_t n = strlen(endpoint);
    while (n > 0 && endpoint[n - 1] == '/') n--;
    return (int)n;
}

/* ---- A URL ---- */

/* "HEX model.gguf", as written by sha256sum, or the digest only. */
static sumi_status fetch_digest_beside(digest *d, const char *url, const pull_opts *o, fetcher *f, sumi_error *err)
{
    char beside[REF_MAX_URL + 16];
    buf text;
    buf_init(&text, MAX_SHA256_FILE);
    size_t n_path = strcspn(url, "?");
    snprintf(beside, sizeof beside, "%.*s.sha256%s", (int)n_path, url, url + n_path);
    sumi_status st = fetch_text(f, &(fetch_source){ .url = beside, .token = plan_token(o, beside) }, &text, err);
    const char *hex = text.data ? text.data : "";
    if (st == SUMI_OK && !digest_parse(d, DIGEST_SHA256, hex, strcspn(hex, " \t\r\n*")))
        st = sumi_fail(err, SUMI_EFORMAT, "%.200s.sha256: does not begin with a SHA-256", url);
    buf_deinit(&text);
    return st;
}

/* The URL of another file of a split model. */
static char *sibling_url(const char *url, const char *name)
{
    char *out;
    const char *end = url + strcspn(url, "?"), *slash = memrchr(url, '/', (size_t)(end - url));
    const char *base = slash + 1; /* ref.c has seen a path */
    return asprintf(&out, "%.*s%s%s", (int)(base - url), url, name, end) < 0 ? NULL : out;
}

sumi_status plan_url(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f, sumi_error *err)
{
    size_t n_stem;
    int32_t no = 0, count = 1;
    char name[NAME_MAX_PART + 1];
    bool split = gguf_shard_path(ref->what, &n_stem, &no, &count);
    if (split && count > GGUF_MAX_SHARDS)
        return sumi_fail(err, SUMI_ELIMIT, "%s: a model of %d files (at most %d)", ref->what, count, GGUF_MAX_SHARDS);
    if (split && o->want.kind != DIGEST_NONE)
        return sumi_fail(err, SUMI_EINVAL, "%s: one SHA-256 cannot be that of all %d files", ref->what, count);
    sumi_status st = SUMI_OK;
    for (int32_t i = 0; st == SUMI_OK && i < count; i++) {
        digest d = o->want;
        if (split) snprintf(name, sizeof name, "%.*s-%05d-of-%05d.gguf", (int)n_stem, ref->what, i + 1, count);
        else snprintf(name, sizeof name, "%.*s", NAME_MAX_PART, ref->what);
        char *url = sibling_url(ref->url, name);
        if (url && o->want_beside) st = fetch_digest_beside(&d, url, o, f, err);
        if (st == SUMI_OK) st = plan_add(p, name, -1, d, url, err);
        else free(url);
    }
    if (st == SUMI_OK) snprintf(p->open, sizeof p->open, "%s", p->files.files[0].path);
    return st;
}

/* ---- The Hugging Face hub ---- */

static sumi_status explain_hf(const fetcher *f, const model_ref *ref, const pull_opts *o, sumi_status st,
                              sumi_error *err)
{
    long status = fetch_http_status(f);
    if (st != SUMI_EIO || !err) return st;
    sumi_error why = *err;
    if (status == 401 || status == 403)
        return sumi_fail(err, st,
                         "%s; %s/%s is private or gated, or not there: accept its terms on its page, and give a "
                         "token of yours (HF_TOKEN or --token-file)%s",
                         why.message, ref->owner, ref->name, o->token ? "; the given token has no access" : "");
    if (status == 404)
        return sumi_fail(err, st, "%s; is there a model %s/%s%s%s on the hub?", why.message, ref->owner, ref->name,
                         *ref->revision ? " of revision " : "", ref->revision);
    return st;
}

/* One page of the list; next gets the URL of the next one, or "". */
static sumi_status read_page(repo *all, const char *url, char *next, size_t n_next, const pull_opts *o, fetcher *f,
                             sumi_error *err)
{
    buf text;
    buf_init(&text, HUB_MAX_LIST);
    const fetch_source source = { .url = url, .token = plan_token(o, url), .accept = "application/json" };
    sumi_status st = fetch_text(f, &source, &text, err);
    if (st == SUMI_OK) st = hub_read_list(all, text.data ? text.data : "", text.n, err);
    const char *link = st == SUMI_OK ? fetch_header(f, "Link", false) : NULL;
    if (!link || !hub_next_link(link, next, n_next)) next[0] = '\0';
    buf_deinit(&text);
    return st;
}

/* Both have the same scheme, host and port: a list must not send the token somewhere else. */
static bool same_origin(const char *a, const char *b)
{
    const char *host_a = strstr(a, "://"), *host_b = strstr(b, "://");
    size_t n_a = host_a ? (size_t)(host_a - a) + 3 + strcspn(host_a + 3, "/?#") : 0;
    size_t n_b = host_b ? (size_t)(host_b - b) + 3 + strcspn(host_b + 3, "/?#") : 1;
    return n_a == n_b && !strncasecmp(a, b, n_a);
}

static sumi_status list_hf(repo *all, const char *first, const model_ref *ref, const pull_opts *o, fetcher *f,
                           sumi_error *err)
{
    char url[REF_MAX_URL], next[REF_MAX_URL];
    snprintf(url, sizeof url, "%s", first);
    for (int page = 0; page < HUB_MAX_PAGES; page++) {
        sumi_status st = read_page(all, url, next, sizeof next, o, f, err);
        if (st != SUMI_OK) return explain_hf(f, ref, o, st, err);
        if (!*next) return SUMI_OK;
        if (!same_origin(first, next))
            return sumi_fail(err, SUMI_EFORMAT, "the list of files continues on another host");
        snprintf(url, sizeof url, "%s", next);
    }
    return sumi_fail(err, SUMI_ELIMIT, "the list of files has more than %d pages", HUB_MAX_PAGES);
}

/* Which of all files: GGUF if there are, or the folder of the original weights. */
static sumi_status choose_hf(const repo *all, const char *what, bool *chosen, sumi_error *err)
{
    if (!strcasecmp(what, "safetensors") || (!*what && !repo_has_gguf(all)))
        return repo_choose_safetensors(all, chosen, err);
    if (!repo_has_gguf(all))
        return sumi_fail(err, SUMI_EINVAL, "there is no GGUF file; leave out ':%.60s' to get %s", what,
                         repo_has_safetensors(all) ? "the safetensors" : "the other files");
    return repo_choose_gguf(all, what, chosen, err);
}

/* Adds the chosen files, each with the URL that redirects to it. */
static sumi_status add_chosen(pull_plan *p, const repo *all, const bool *chosen, const model_ref *ref,
                              const char *endpoint, sumi_error *err)
{
    sumi_status st = SUMI_OK;
    for (int32_t i = 0; st == SUMI_OK && i < all->n; i++) {
        if (!chosen[i]) continue;
        buf url;
        buf_init(&url, 4 * REF_MAX_URL);
        buf_printf(&url, "%.*s/%s/%s/resolve/%s/", endpoint_length(endpoint), endpoint, ref->owner, ref->name,
                   *ref->revision ? ref->revision : "main");
        name_append_escaped(&url, all->files[i].path);
        st = plan_add(p, all->files[i].path, all->files[i].n_bytes, all->files[i].digest, buf_take(&url, NULL), err);
        buf_deinit(&url);
    }
    const char *first = repo_first(all, chosen);
    snprintf(p->open, sizeof p->open, "%s", first ? first : "");
    return st;
}

sumi_status plan_hf(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f, sumi_error *err)
{
    repo all = { 0 };
    const char *endpoint = o->endpoint ? o->endpoint : REF_HF_ENDPOINT;
    bool *chosen = NULL;
    char url[REF_MAX_URL];
    if (o->token && !plan_token(o, endpoint))
        return sumi_fail(err, SUMI_EINVAL, "%.200s: a token is not sent over plain http; use https, or no token",
                         endpoint);
    snprintf(url, sizeof url, "%.*s/api/models/%s/%s/tree/%s?recursive=true", endpoint_length(endpoint), endpoint,
             ref->owner, ref->name, *ref->revision ? ref->revision : "main");
    sumi_status st = list_hf(&all, url, ref, o, f, err);
    if (st == SUMI_OK && !(chosen = calloc((size_t)all.n + 1, sizeof *chosen)))
        st = sumi_fail(err, SUMI_ENOMEM, "out of memory");
    if (st == SUMI_OK && (st = choose_hf(&all, ref->what, chosen, err)))
        sumi_fail_in(err, "hf:%s/%s", ref->owner, ref->name);
    if (st == SUMI_OK) st = add_chosen(p, &all, chosen, ref, endpoint, err);
    free(chosen);
    repo_deinit(&all);
    return st;
}

/* ---- An Ollama registry ---- */

sumi_status plan_ollama(pull_plan *p, const model_ref *ref, const pull_opts *o, fetcher *f, sumi_error *err)
{
    char url[REF_MAX_URL], base[REF_MAX_URL], left_out[256];
    buf text, endpoint;
    repo layers = { 0 };
    buf_init(&text, HUB_MAX_MANIFEST);
    buf_init(&endpoint, REF_MAX_URL / 2);
    if (o->endpoint) buf_append(&endpoint, o->endpoint, (size_t)endpoint_length(o->endpoint));
    else buf_printf(&endpoint, "https://%s", ref->host);
    snprintf(base, sizeof base, "%.1000s/v2/%s/%s", endpoint.data ? endpoint.data : "", ref->owner, ref->name);
    snprintf(url, sizeof url, "%.1500s/manifests/%s", base, ref->what);
    const fetch_source source = { .url = url, .accept = "application/vnd.docker.distribution.manifest.v2+json" };
    sumi_status st = fetch_text(f, &source, &text, err);
    if (st == SUMI_EIO && fetch_http_status(f) == 404 && err) {
        sumi_error why = *err;
        sumi_fail(err, st, "%s; is there a model %s/%s with the tag %s?", why.message, ref->owner, ref->name,
                  ref->what);
    }
    if (st == SUMI_OK &&
        (st = hub_read_manifest(&layers, text.data ? text.data : "", text.n, left_out, sizeof left_out, err)))
        sumi_fail_in(err, "ollama:%s/%s:%s", ref->owner, ref->name, ref->what);
    for (int32_t i = 0; st == SUMI_OK && i < layers.n; i++) {
        char *blob;
        if (asprintf(&blob, "%s/blobs/sha256:%s", base, layers.files[i].digest.hex) < 0) blob = NULL;
        st = plan_add(p, layers.files[i].path, layers.files[i].n_bytes, layers.files[i].digest, blob, err);
    }
    if (st == SUMI_OK && *left_out) note(o, "not downloaded, because sumi does not use it: %s", left_out);
    snprintf(p->open, sizeof p->open, "model.gguf");
    repo_deinit(&layers);
    buf_deinit(&text);
    buf_deinit(&endpoint);
    return st;
}
