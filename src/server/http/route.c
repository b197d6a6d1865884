/* route.c - which handler a method and a path have. */
#include <string.h>

#include "base/nearest.h"
#include "server/http/endpoints.h"

#define OPEN    ROUTE_OPEN
#define GUARDED ROUTE_GUARDED
#define STATUS  ROUTE_STATUS
#define NOTHING METER_NOTHING
#define REQUEST METER_REQUEST
#define COUNT   METER_COUNT
enum { MODEL = true, ANY_TIME = false };

static const route routes[] = {
    { "GET", "/health", get_health, OPEN, ANY_TIME, NOTHING },
    { "GET", "/ready", get_ready, OPEN, ANY_TIME, NOTHING },
    { "GET", "/version", get_version, STATUS, ANY_TIME, NOTHING },
    { "GET", "/metrics", get_metrics, STATUS, ANY_TIME, NOTHING },
    { "GET", "/stats", get_stats, STATUS, ANY_TIME, NOTHING },
    { "GET", "/", get_page, OPEN, ANY_TIME, NOTHING },
    { "GET", "/web/*", get_web_file, OPEN, ANY_TIME, NOTHING },
    { "GET", "/openapi.json", get_openapi, OPEN, ANY_TIME, NOTHING },
    { "GET", "/v1/models", get_models, GUARDED, ANY_TIME, NOTHING },
    { "GET", "/v1/models/*", get_model, GUARDED, ANY_TIME, NOTHING },
    { "POST", "/v1/chat/completions", post_chat_completions, GUARDED, MODEL, REQUEST },
    { "POST", "/v1/completions", post_completions, GUARDED, MODEL, REQUEST },
    { "POST", "/v1/responses", post_responses, GUARDED, MODEL, REQUEST },
    { "POST", "/v1/embeddings", post_embeddings, GUARDED, MODEL, REQUEST },
    { "POST", "/v1/messages", post_messages, GUARDED, MODEL, REQUEST },
    { "POST", "/v1/messages/count_tokens", post_count_tokens, GUARDED, MODEL, COUNT },
    { "POST", "/api/chat", post_ollama_chat, GUARDED, MODEL, REQUEST },
    { "POST", "/api/generate", post_ollama_generate, GUARDED, MODEL, REQUEST },
    { "POST", "/api/embed", post_ollama_embed, GUARDED, MODEL, REQUEST },
    { "POST", "/api/embeddings", post_ollama_embeddings, GUARDED, MODEL, REQUEST },
    { "POST", "/api/show", post_ollama_show, GUARDED, MODEL, NOTHING },
    { "POST", "/api/pull", post_ollama_pull, GUARDED, MODEL, NOTHING },
    { "GET", "/api/tags", get_ollama_tags, GUARDED, MODEL, NOTHING },
    { "GET", "/api/ps", get_ollama_ps, GUARDED, MODEL, NOTHING },
    { "GET", "/api/version", get_ollama_version, GUARDED, ANY_TIME, NOTHING },
    { "GET", "/props", get_props, GUARDED, MODEL, NOTHING },
    { "GET", "/slots", get_slots, STATUS, MODEL, NOTHING },
    { "GET", "/tokenizer_info", get_tokenizer_info, GUARDED, MODEL, NOTHING },
    { "POST", "/apply-template", post_apply_template, GUARDED, MODEL, COUNT },
    { "POST", "/tokenize", post_tokenize, GUARDED, MODEL, COUNT },
    { "POST", "/detokenize", post_detokenize, GUARDED, MODEL, COUNT },
};
enum { N_ROUTES = sizeof routes / sizeof *routes };

_Static_assert(N_ROUTES + 1 <= METRICS_MAX_PATHS, "each route is counted, and all unknown paths together");

const char *route_path(int i)
{
    return i < N_ROUTES ? routes[i].path : "other";
}

int route_n_paths(void)
{
    return N_ROUTES + 1;
}

/* rest: what a final "*" stands for, at least one byte; NULL: the path has none. */
static bool matches(const char *path, const char *url, const char **rest)
{
    size_t n = strlen(path);
    *rest = NULL;
    if (path[n - 1] != '*') return !strcmp(path, url);
    if (strncmp(path, url, n - 1) != 0 || url[n - 1] == '\0') return false;
    *rest = url + n - 1;
    return true;
}

/* Whether url is path, or is below it. */
static bool is_under(const char *url, const char *path)
{
    size_t n = strlen(path);
    return !strncmp(url, path, n) && (url[n] == '\0' || url[n] == '/');
}

api_kind route_api(const char *path)
{
    if (is_under(path, "/v1/messages") || is_under(path, "/messages")) return API_ANTHROPIC;
    return is_under(path, "/api") ? API_OLLAMA : API_OPENAI;
}

/* The route of a path and its number; -1: none. Clients of llama.cpp's server, and those whose base URL lacks it, leave
 * /v1 away. */
static int find(const char *path, const char **rest)
{
    for (int i = 0; i < N_ROUTES; i++)
        if (matches(routes[i].path, path, rest)) return i;
    for (int i = 0; i < N_ROUTES; i++)
        if (!strncmp(routes[i].path, "/v1/", 4) && matches(routes[i].path + 3, path, rest)) return i;
    return -1;
}

/* The part of path after /v1 or /api. */
static const char *own_part(const char *path)
{
    if (!strncmp(path, "/v1/", 4)) return path + 3;
    return !strncmp(path, "/api/", 5) ? path + 4 : path;
}

static void fail_unknown(const char *path, api_error *e)
{
    nearest near = { .to = own_part(path) };
    const char *meant = NULL;
    for (int i = 0; i < N_ROUTES; i++) {
        nearest_try(&near, own_part(routes[i].path));
        if (near.best == own_part(routes[i].path)) meant = routes[i].path;
    }
    if (meant) api_fail(e, 404, "not_found", NULL, "there is no path '%.100s'; did you mean '%s'?", path, meant);
    else api_fail(e, 404, "not_found", NULL, "there is no path '%.100s'; /openapi.json lists all paths", path);
}

const route *route_find(const char *method, const char *path, int *number, const char **rest, api_error *e)
{
    const char *wanted = strcmp(method, "HEAD") ? method : "GET"; /* MHD leaves the body away */
    int i = find(path, rest);
    *number = i < 0 ? N_ROUTES : i;
    if (i < 0) {
        fail_unknown(path, e);
        return NULL;
    }
    if (!strcmp(routes[i].method, wanted)) return &routes[i];
    api_fail(e, 405, "method_not_allowed", NULL, "this path accepts only %s", routes[i].method);
    e->allow = strcmp(routes[i].method, "GET") ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
    return NULL;
}
