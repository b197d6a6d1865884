/* test_openapi.c - openapi.json says what the table of routes says: the same paths and methods, who needs a key, and the
 * statuses that every route of its kind can answer. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "server/api/known_fields.h"
#include "server/embedded.h"
#include "server/http/http.h"
#include "test_support.h"

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
enum { N_METHODS = sizeof methods / sizeof *methods };

static int load(void **state)
{
    json_error_t why;
    const embedded_file *f = openapi_files;
    json_t *file = json_loadb((const char *)f->data, f->n_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!file) fail_msg("openapi.json, line %d: %s", why.line, why.text);
    *state = file;
    return 0;
}

static int drop(void **state)
{
    json_decref(*state);
    return 0;
}

/* "/v1/models/{model}" -> the table's "/v1/models/" and "*", and a url for it. */
static void names_of(const char *documented, char *path, char *url, size_t n)
{
    const char *brace = strchr(documented, '{');
    int fixed = brace ? (int)(brace - documented) : (int)strlen(documented);
    snprintf(path, n, "%.*s%s", fixed, documented, brace ? "*" : "");
    snprintf(url, n, "%.*s%s", fixed, documented, brace ? "x" : "");
}

static const route *find(const char *method, const char *url)
{
    int number;
    const char *rest;
    api_error e;
    return route_find(method, url, &number, &rest, &e);
}

static const json_t *operation_of(const json_t *item, const char *method)
{
    char lower[8] = "";
    for (size_t i = 0; method[i]; i++) lower[i] = (char)(method[i] | 0x20);
    return json_object_get(item, lower);
}

static void each_route_and_method_is_documented_and_nothing_else(void **state)
{
    const json_t *paths = json_object_get(*state, "paths"), *item;
    const char *documented;
    int n_routes = 0, n_documented = 0;
    json_object_foreach((json_t *)(uintptr_t)paths, documented, item)
    {
        char path[128], url[128];
        names_of(documented, path, url, sizeof path);
        for (int m = 0; m < N_METHODS; m++) {
            const route *r = find(methods[m], url);
            bool is_route = r && !strcmp(r->path, path), is_documented = operation_of(item, methods[m]) != NULL;
            if (is_route != is_documented)
                fail_msg("%s %s is %s", methods[m], documented, is_route ? "not documented" : "no route");
            n_documented += is_documented;
        }
    }
    for (int i = 0; i < route_n_paths() - 1; i++) {
        char url[128];
        size_t n = strlen(route_path(i));
        snprintf(url, sizeof url, "%s", route_path(i));
        if (url[n - 1] == '*') url[n - 1] = 'x';
        bool counted = false; /* a path of several methods is there several times */
        for (int k = 0; k < i; k++) counted |= !strcmp(route_path(k), route_path(i));
        for (int m = 0; m < N_METHODS && !counted; m++) {
            const route *r = find(methods[m], url);
            if (r && !strcmp(r->path, route_path(i))) n_routes++;
        }
    }
    if (n_routes != n_documented) fail_msg("%d routes, %d documented: a path is missing", n_routes, n_documented);
}

static void expect_status(const json_t *operation, const char *status, bool wanted, const char *path)
{
    bool there = json_object_get(json_object_get(operation, "responses"), status) != NULL;
    if (there != wanted) fail_msg("%s: status %s is %s", path, status, there ? "documented" : "missing");
}

static void statuses_follow_from_the_kind_of_route(void **state)
{
    const json_t *paths = json_object_get(*state, "paths"), *item;
    const char *documented;
    json_object_foreach((json_t *)(uintptr_t)paths, documented, item)
    {
        char path[128], url[128];
        names_of(documented, path, url, sizeof path);
        for (int m = 0; m < N_METHODS; m++) {
            const route *r = find(methods[m], url);
            const json_t *o = operation_of(item, methods[m]), *security = json_object_get(o, "security");
            if (!r || !o) continue;
            bool is_post = !strcmp(methods[m], "POST");
            if ((json_is_array(security) && json_array_size(security) == 0) != (r->access == ROUTE_OPEN))
                fail_msg("%s: whether a key is needed is wrong", documented);
            expect_status(o, "200", true, documented);
            expect_status(o, "401", r->access != ROUTE_OPEN, documented);
            expect_status(o, "403", r->access == ROUTE_GUARDED, documented);
            expect_status(o, "400", is_post, documented);
            expect_status(o, "413", is_post, documented);
            expect_status(o, "415", is_post, documented);
            if (r->model) expect_status(o, "503", true, documented);
            if (is_post != (json_object_get(o, "requestBody") != NULL)) fail_msg("%s: its body", documented);
        }
    }
}

static void the_version_is_that_of_the_program(void **state)
{
    assert_string_equal(json_string_value(json_object_get(json_object_get(*state, "info"), "version")), sumi_version());
}

/* ---- Fields that are refused ---- */

static const json_t *follow(const json_t *root, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (!ref) return schema;
    const json_t *schemas = json_object_get(json_object_get(root, "components"), "schemas");
    return json_object_get(schemas, strrchr(ref, '/') + 1);
}

static bool has_property(const json_t *root, const json_t *schema, const char *name)
{
    const json_t *s = follow(root, schema), *part;
    size_t i;
    if (json_object_get(json_object_get(s, "properties"), name)) return true;
    json_array_foreach(json_object_get(s, "allOf"), i, part) if (has_property(root, part, name)) return true;
    return false;
}

static void each_field_that_is_refused_is_documented(void **state)
{
    static const struct {
        unsigned endpoint;
        const char *schema;
    } bodies[] = { { FIELDS_CHAT, "ChatRequest" },
                   { FIELDS_COMPLETION, "CompletionRequest" },
                   { FIELDS_RESPONSES, "ResponsesRequest" },
                   { FIELDS_MESSAGES, "MessagesRequest" },
                   { FIELDS_OLLAMA_CHAT, "OllamaChatRequest" },
                   { FIELDS_OLLAMA_GENERATE, "OllamaGenerateRequest" },
                   { FIELDS_OLLAMA_OPTIONS, "OllamaOptions" },
                   { FIELDS_EMBEDDINGS, "EmbeddingsRequest" },
                   { FIELDS_OLLAMA_VECTORS, "OllamaEmbedRequest" },
                   { FIELDS_OLLAMA_VECTORS, "OllamaEmbeddingsRequest" },
                   { FIELDS_TOKENIZE, "TokenizeRequest" } };
    const json_t *schemas = json_object_get(json_object_get(*state, "components"), "schemas");
    for (int i = 0; known_fields_row(i); i++)
        for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
            const known_field *f = known_fields_row(i);
            const json_t *schema = json_object_get(schemas, bodies[k].schema);
            if (!schema) fail_msg("no schema %s", bodies[k].schema);
            if ((f->endpoints & bodies[k].endpoint) && !has_property(*state, schema, f->name))
                fail_msg("%s: %s is not documented", bodies[k].schema, f->name);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_and_method_is_documented_and_nothing_else),
        cmocka_unit_test(statuses_follow_from_the_kind_of_route),
        cmocka_unit_test(each_field_that_is_refused_is_documented),
        cmocka_unit_test(the_version_is_that_of_the_program),
    };
    return cmocka_run_group_tests(tests, load, drop);
}
