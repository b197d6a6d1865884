/* fetch.c - see fetch.h. */
#include "store/fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "base/error.h"

#define MAX_REDIRECTS  10
#define MAX_WAIT_MS    60000
#define MAX_ERROR_BODY 65536 /* of an answer that is no success, read so that the connection can be used again */

struct fetcher {
    CURL *curl;
    fetch_opts o;
    char curl_error[CURL_ERROR_SIZE];
    /* the server answered before: a name that cannot be resolved now is a temporary failure, not a wrong name */
    bool met;

    /* of the request under way */
    const fetch_sink *sink;
    int64_t asked_from;
    bool began;
    size_t n_ignored;
    sumi_status sink_status;
    sumi_error sink_error;
};

typedef enum outcome { DONE, FAILED, AGAIN, FROM_START } outcome;

fetch_opts fetch_opts_default(void)
{
    return (fetch_opts){ .timeout_s = 60, .n_retries = 5, .retry_ms = 1000 };
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    fetcher *f = user;
    (void)total, (void)now, (void)up_total, (void)up_now;
    return f->o.cancelled && f->o.cancelled(f->o.user);
}

const char *fetch_header(const fetcher *f, const char *name, bool any_answer)
{
    struct curl_header *h;
    const char *found = NULL;
    if (!any_answer) return curl_easy_header(f->curl, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
    for (int request = 0; request <= MAX_REDIRECTS; request++)
        if (curl_easy_header(f->curl, name, 0, CURLH_HEADER, request, &h) == CURLHE_OK) found = h->value;
    return found;
}

long fetch_http_status(const fetcher *f)
{
    long status = 0;
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* "bytes 100-199/500": a 206 must have the requested range, of a file of *n_bytes (-1: "*"). */
static bool range_fits(const fetcher *f, int64_t *n_bytes)
{
    int64_t first, last;
    const char *range = fetch_header(f, "Content-Range", false), *slash = range ? strchr(range, '/') : NULL;
    if (!slash || strncasecmp(range, "bytes", 5) != 0 || sscanf(range + 5, "%" SCNd64 "-%" SCNd64, &first, &last) != 2)
        return false;
    if (slash[1] == '*') *n_bytes = -1;
    else if (sscanf(slash + 1, "%" SCNd64, n_bytes) != 1 || *n_bytes <= last) return false;
    return first == f->asked_from && last >= first;
}

/* Calls the sink's begin(), once for each answer. */
static sumi_status begin(fetcher *f)
{
    curl_off_t n = -1;
    int64_t n_bytes = -1, first = 0;
    f->began = true;
    curl_easy_getinfo(f->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
    if (fetch_http_status(f) != 206) {
        n_bytes = n;
    } else {
        if (!range_fits(f, &n_bytes))
            return sumi_fail(&f->sink_error, SUMI_EFORMAT, "the server sent another range than requested");
        first = f->asked_from;
    }
    return f->sink->begin(f->sink->self, f, first, n_bytes, &f->sink_error);
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    fetcher *f = user;
    n *= size;
    if (fetch_http_status(f) / 100 != 2) return (f->n_ignored += n) > MAX_ERROR_BODY ? 0 : n;
    if (!f->began) f->sink_status = begin(f);
    if (f->sink_status == SUMI_OK) f->sink_status = f->sink->write(f->sink->self, data, n, &f->sink_error);
    return f->sink_status == SUMI_OK ? n : 0;
}

sumi_status fetcher_create(fetcher **out, const fetch_opts *opts, sumi_error *err)
{
    fetcher *f = calloc(1, sizeof *f);
    *out = NULL;
    if (!f || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(f->curl = curl_easy_init())) {
        free(f);
        return sumi_fail(err, SUMI_ENOMEM, "libcurl does not start: out of memory");
    }
    f->o = *opts;
    CURL *c = f->curl;
    if (curl_easy_setopt(c, CURLOPT_USERAGENT, "sumi/" SUMI_VERSION) != CURLE_OK ||
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        (f->o.ca_file && curl_easy_setopt(c, CURLOPT_CAINFO, f->o.ca_file) != CURLE_OK)) {
        fetcher_destroy(f);
        return sumi_fail(err, SUMI_ENOMEM, "libcurl: out of memory");
    }
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->curl_error);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)f->o.timeout_s);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)f->o.timeout_s);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, f);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
    *out = f;
    return SUMI_OK;
}

void fetcher_destroy(fetcher *f)
{
    if (!f) return;
    curl_easy_cleanup(f->curl);
    curl_global_cleanup();
    free(f);
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char *line;
    if (!value) return true;
    if (asprintf(&line, "%s: %s", name, value) < 0) return false;
    struct curl_slist *longer = curl_slist_append(*list, line);
    free(line);
    if (longer) *list = longer;
    return longer != NULL;
}

/* One request. The headers that it needs are added to *headers, which the caller frees afterwards. */
static CURLcode perform(fetcher *f, const fetch_source *s, struct curl_slist **headers)
{
    char range[32], bearer[1024];
    const char *etag = NULL;
    f->asked_from = f->sink->have ? f->sink->have(f->sink->self, &etag) : 0;
    f->began = false;
    f->n_ignored = 0;
    f->sink_status = SUMI_OK;
    f->curl_error[0] = '\0';
    snprintf(range, sizeof range, "%" PRId64 "-", f->asked_from);
    snprintf(bearer, sizeof bearer, "Bearer %s", s->token ? s->token : "");
    if (!add_header(headers, "Accept", s->accept) || !add_header(headers, "Authorization", s->token ? bearer : NULL) ||
        !add_header(headers, "If-Range", f->asked_from ? etag : NULL))
        return CURLE_OUT_OF_MEMORY;
    curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, *headers);
    /* libcurl copies these strings. */
    const char *redirects = strncasecmp(s->url, "https:", 6) ? "http,https" : "https";
    if (curl_easy_setopt(f->curl, CURLOPT_URL, s->url) != CURLE_OK ||
        curl_easy_setopt(f->curl, CURLOPT_RANGE, f->asked_from ? range : NULL) != CURLE_OK ||
        curl_easy_setopt(f->curl, CURLOPT_REDIR_PROTOCOLS_STR, redirects) != CURLE_OK)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = curl_easy_perform(f->curl);
    if (code == CURLE_OK && fetch_http_status(f) / 100 == 2 && !f->began && (f->sink_status = begin(f)))
        return CURLE_WRITE_ERROR; /* a body of no bytes */
    return code;
}

static const char *reason(long status)
{
    switch (status) {
    case 401: return " (not authorised)";
    case 403: return " (forbidden)";
    case 404: return " (not found)";
    case 408: return " (time-out)";
    case 429: return " (too many requests)";
    case 500: return " (server error)";
    case 502:
    case 503:
    case 504: return " (not available now)";
    default: return "";
    }
}

static outcome judge_status(const fetcher *f, sumi_error *err)
{
    long status = fetch_http_status(f);
    if (status / 100 == 2) return DONE;
    if (status == 416 && f->asked_from > 0) return FROM_START; /* the file has become shorter */
    const char *more = fetch_header(f, "X-Error-Message", false);
    sumi_fail(err, SUMI_EIO, "HTTP %ld%s%s%.160s", status, reason(status), more ? ": " : "", more ? more : "");
    bool passing = status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
    return passing ? AGAIN : FAILED;
}

static outcome judge(fetcher *f, CURLcode code, sumi_error *err)
{
    if (f->o.cancelled && f->o.cancelled(f->o.user)) {
        sumi_fail(err, SUMI_ECANCELLED, "interrupted");
        return FAILED;
    }
    if (f->sink_status != SUMI_OK) {
        bool other_range = fetch_http_status(f) == 206 && f->sink_status == SUMI_EFORMAT && f->asked_from > 0;
        *err = f->sink_error;
        return other_range ? FROM_START : FAILED;
    }
    if (fetch_http_status(f)) f->met = true;
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && f->n_ignored)) return judge_status(f, err);
    sumi_fail(err, code == CURLE_OUT_OF_MEMORY ? SUMI_ENOMEM : SUMI_EIO, "%s",
              *f->curl_error ? f->curl_error : curl_easy_strerror(code));
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return f->met ? AGAIN : FAILED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return AGAIN;
    default: return FAILED;
    }
}

/* Waits before retry number n (from 1), or as long as the server requests. False: cancelled. */
static bool wait_before(fetcher *f, int32_t n, const char *why)
{
    curl_off_t asked_s = 0;
    int64_t ms = (int64_t)f->o.retry_ms << (n < 16 ? n - 1 : 15);
    curl_easy_getinfo(f->curl, CURLINFO_RETRY_AFTER, &asked_s);
    if (f->o.retry_ms > 0 && asked_s > 0 && asked_s * 1000 > ms)
        ms = asked_s < MAX_WAIT_MS / 1000 ? asked_s * 1000 : MAX_WAIT_MS;
    if (ms > MAX_WAIT_MS) ms = MAX_WAIT_MS;
    if (f->o.retrying) f->o.retrying(f->o.user, why, (int32_t)ms);
    for (; ms > 0; ms -= 100) {
        if (f->o.cancelled && f->o.cancelled(f->o.user)) return false;
        struct timespec slice = { 0, (ms < 100 ? ms : 100) * 1000000 };
        nanosleep(&slice, NULL);
    }
    return true;
}

/* A sink that wants all again, for one request. */
static int64_t nothing(void *self, const char **etag)
{
    (void)self;
    *etag = NULL;
    return 0;
}

sumi_status fetch(fetcher *f, const fetch_source *source, const fetch_sink *sink, sumi_error *err)
{
    fetch_sink from_start = *sink;
    from_start.have = nothing;
    outcome how = AGAIN;
    sumi_error why = { SUMI_OK, "" };
    int32_t tries = 0, n_from_start = 0;
    for (;;) {
        struct curl_slist *headers = NULL;
        f->sink = how == FROM_START ? &from_start : sink;
        how = judge(f, perform(f, source, &headers), &why);
        curl_slist_free_all(headers);
        curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, NULL);
        if (how == DONE) return SUMI_OK;
        if (how == FAILED || (how == FROM_START && n_from_start++ > 1)) break;
        if (how == FROM_START) continue;
        const char *etag;
        if (f->began && sink->have && sink->have(sink->self, &etag) > f->asked_from) tries = 0; /* it moves on */
        if (tries++ == f->o.n_retries) break;
        if (!wait_before(f, tries, why.message)) {
            sumi_fail(&why, SUMI_ECANCELLED, "interrupted");
            break;
        }
    }
    if (err) *err = why;
    sumi_fail_in(err, "%.*s", (int)(strcspn(source->url, "?") < 200 ? strcspn(source->url, "?") : 200), source->url);
    return why.status;
}

static sumi_status begin_text(void *self, const fetcher *f, int64_t first, int64_t n_bytes, sumi_error *err)
{
    buf *text = self;
    (void)f, (void)first;
    if (n_bytes > (int64_t)text->max)
        return sumi_fail(err, SUMI_ELIMIT, "the answer is larger than %zu bytes", text->max);
    size_t max = text->max;
    buf_deinit(text); /* the bytes of an earlier attempt */
    buf_init(text, max);
    return SUMI_OK;
}

static sumi_status write_text(void *self, const void *data, size_t n, sumi_error *err)
{
    buf *text = self;
    buf_append(text, data, n);
    if (text->status == SUMI_ELIMIT)
        return sumi_fail(err, SUMI_ELIMIT, "the answer is larger than %zu bytes", text->max);
    return text->status == SUMI_OK ? SUMI_OK : sumi_fail(err, text->status, "out of memory");
}

sumi_status fetch_text(fetcher *f, const fetch_source *source, buf *text, sumi_error *err)
{
    fetch_sink sink = { .self = text, .begin = begin_text, .write = write_text };
    curl_easy_setopt(f->curl, CURLOPT_TIMEOUT, 4L * f->o.timeout_s); /* a text is short: it need not drip */
    sumi_status st = fetch(f, source, &sink, err);
    curl_easy_setopt(f->curl, CURLOPT_TIMEOUT, 0L);
    return st;
}
