/* hub.c - see hub.h. */
#include "store/hub.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/json_read.h"
#include "store/names.h"

static json_t *parse(const char *json, size_t n, const char *what, sumi_error *err)
{
    json_error_t why;
    json_t *root = json_read(json, n, 0, &why);
    if (!root)
        sumi_fail(err, json_read_status(&why, SUMI_EFORMAT), "%s: not JSON: %s, line %d", what, why.text, why.line);
    return root;
}

/* A size from the net; -1: there is no size, or it is not plausible. */
static int64_t read_size(const json_t *v)
{
    return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : -1;
}

static digest read_digest(const json_t *v, digest_kind kind)
{
    digest d = { DIGEST_NONE, "" };
    const char *text = json_string_value(v);
    if (text && !digest_parse(&d, kind, text, strlen(text))) d.kind = DIGEST_NONE;
    return d;
}

static sumi_status read_entry(repo *r, const json_t *entry, sumi_error *err)
{
    const char *type = json_string_value(json_object_get(entry, "type"));
    const char *path = json_string_value(json_object_get(entry, "path"));
    const json_t *lfs = json_object_get(entry, "lfs");
    if (!path || (type && strcmp(type, "file") != 0) || !name_is_path(path)) return SUMI_OK;
    if (!json_is_object(lfs))
        return repo_add(r, path, read_size(json_object_get(entry, "size")),
                        read_digest(json_object_get(entry, "oid"), DIGEST_GIT_SHA1), err);
    return repo_add(r, path, read_size(json_object_get(lfs, "size")),
                    read_digest(json_object_get(lfs, "oid"), DIGEST_SHA256), err);
}

sumi_status hub_read_list(repo *r, const char *json, size_t n, sumi_error *err)
{
    sumi_status st = SUMI_OK;
    json_t *root = parse(json, n, "the list of files", err);
    if (!root) return SUMI_EFORMAT;
    if (!json_is_array(root)) st = sumi_fail(err, SUMI_EFORMAT, "the list of files is no JSON array");
    for (size_t i = 0; st == SUMI_OK && i < json_array_size(root); i++)
        st = read_entry(r, json_array_get(root, i), err);
    json_decref(root);
    return st;
}

/* The kinds of layers that sumi uses; other kinds are reported to the user. */
static const struct {
    const char *kind, *file, *extension;
} layer_files[] = {
    { "model", "model", "gguf" },  { "license", "license", "txt" }, { "template", "template", "txt" },
    { "system", "system", "txt" }, { "params", "params", "json" },  { "messages", "messages", "json" },
};
enum { N_LAYER_FILES = sizeof layer_files / sizeof *layer_files };

typedef struct manifest {
    repo *r;
    int n_of[N_LAYER_FILES];
    char *left_out;
    size_t n_left_out;
} manifest;

static void leave_out(manifest *m, const char *kind)
{
    size_t used = strlen(m->left_out);
    if (!strstr(m->left_out, kind))
        snprintf(m->left_out + used, m->n_left_out - used, "%s%.32s", used ? ", " : "", kind);
}

static sumi_status read_layer(manifest *m, const json_t *layer, sumi_error *err)
{
    static const char prefix[] = "application/vnd.ollama.image.";
    const char *type = json_string_value(json_object_get(layer, "mediaType"));
    const char *text = json_string_value(json_object_get(layer, "digest"));
    int64_t n_bytes = read_size(json_object_get(layer, "size"));
    char path[64] = "";
    digest d;
    if (!type || strncmp(type, prefix, sizeof prefix - 1) != 0) return SUMI_OK;
    const char *kind = type + sizeof prefix - 1;
    int i = 0;
    while (i < N_LAYER_FILES && strcmp(layer_files[i].kind, kind) != 0) i++;
    if (i == N_LAYER_FILES || (i > 0 && n_bytes > HUB_MAX_TEXT)) {
        leave_out(m, kind);
        return SUMI_OK;
    }
    if (!text || strncmp(text, "sha256:", 7) != 0 || !digest_parse(&d, DIGEST_SHA256, text + 7, strlen(text + 7)) ||
        n_bytes < 0)
        return sumi_fail(err, SUMI_EFORMAT, "the manifest's layer '%.32s' has no SHA-256 or no size", kind);
    if (m->n_of[i]++ == 0) snprintf(path, sizeof path, "%s.%s", layer_files[i].file, layer_files[i].extension);
    else snprintf(path, sizeof path, "%s-%d.%s", layer_files[i].file, m->n_of[i], layer_files[i].extension);
    return repo_add(m->r, path, n_bytes, d, err);
}

sumi_status hub_read_manifest(repo *r, const char *json, size_t n, char *left_out, size_t n_left_out, sumi_error *err)
{
    sumi_status st = SUMI_OK;
    manifest m = { .r = r, .left_out = left_out, .n_left_out = n_left_out };
    left_out[0] = '\0';
    json_t *root = parse(json, n, "the manifest", err);
    if (!root) return SUMI_EFORMAT;
    const json_t *layers = json_object_get(root, "layers");
    if (!json_is_array(layers)) st = sumi_fail(err, SUMI_EFORMAT, "the manifest has no list of layers");
    else if (json_array_size(layers) > HUB_MAX_LAYERS)
        st = sumi_fail(err, SUMI_ELIMIT, "the manifest has %zu layers (at most %d)", json_array_size(layers),
                       HUB_MAX_LAYERS);
    for (size_t i = 0; st == SUMI_OK && i < json_array_size(layers); i++)
        st = read_layer(&m, json_array_get(layers, i), err);
    if (st == SUMI_OK && m.n_of[0] != 1)
        st = sumi_fail(err, SUMI_EUNSUPPORTED, "the manifest has %d GGUF layers, not one%s%s", m.n_of[0],
                       *left_out ? "; there are " : "", left_out);
    json_decref(root);
    return st;
}

bool hub_next_link(const char *link, char *out, size_t n_out)
{
    while ((link = strchr(link, '<'))) { /* <URL>; rel="next", <URL>; rel="last" */
        const char *end = strchr(++link, '>');
        if (!end) return false;
        size_t n = (size_t)(end - link), n_parameters = strcspn(end, ",");
        const char *rel = memmem(end, n_parameters, "rel=\"next\"", 10);
        if (!rel) {
            link = end;
            continue;
        }
        if (n >= n_out || n == 0) return false;
        memcpy(out, link, n);
        out[n] = '\0';
        return true;
    }
    return false;
}
