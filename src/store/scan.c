/* scan.c - finds the models in the folders of store.h. Reads names and sizes of files, not their content.
 *
 * A folder is walked once. All files of one model go into one entry: the shards of a split model, the files of a
 * safetensors folder, the files beside an Ollama model, a part and its final name. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/os/new_file.h"
#include "format/gguf.h"
#include "store/names.h"
#include "store/repo.h"
#include "store/store.h"

enum { MAX_DEPTH = 12 };

typedef struct scan {
    store_list *list;
    const char *root; /* of the place under way */
    int32_t place, n_files;
    sumi_status status;
    sumi_error *err;
} scan;

static void out_of_memory(scan *s)
{
    if (s->status == SUMI_OK) s->status = sumi_fail(s->err, SUMI_ENOMEM, "out of memory");
}

/* The model of this place with this path, made if it is new. NULL: out of memory. */
static store_model *entry(scan *s, const char *path, const char *folder)
{
    store_list *l = s->list;
    for (int32_t i = l->n; i-- > 0 && l->models[i].place == s->place;)
        if (!strcmp(l->models[i].path, path)) return &l->models[i];
    if (l->n >= STORE_MAX_MODELS) {
        s->status = sumi_fail(s->err, SUMI_ELIMIT, "%s: more than %d models", s->root, STORE_MAX_MODELS);
        return NULL;
    }
    if ((l->n & (l->n - 1)) == 0) {
        store_model *models = realloc(l->models, ((size_t)l->n * 2 + 1) * sizeof *models);
        if (!models) return NULL;
        l->models = models;
    }
    store_model *m = &l->models[l->n];
    *m = (store_model){ .path = strdup(path), .folder = strdup(folder), .place = s->place };
    l->n++;
    return m->path && m->folder ? m : NULL;
}

/* Adds the file at path to the model whose path to open is `open`. */
static void add_file(scan *s, const char *path, const struct stat *st, const char *open, const char *folder)
{
    bool is_part = name_ends_with(path, ".part");
    store_model *m = s->status == SUMI_OK ? entry(s, open, folder) : NULL;
    char **files = m ? realloc(m->files, ((size_t)m->n_files + 1) * sizeof *files) : NULL;
    if (files) m->files = files;
    if (!files || !(files[m->n_files] = strdup(path))) {
        out_of_memory(s);
        return;
    }
    m->n_files++;
    m->partial |= is_part;
    m->n_bytes += st->st_size;
    if (st->st_mtime > m->modified) m->modified = st->st_mtime;
}

/* "x.gguf.part", "x.gguf.part.json" and a temporary file of the latter from a killed process belong to "x.gguf". */
static void strip_part(char *path)
{
    static const char *const endings[] = { ".part.json", ".part" };
    size_t n_stem = new_file_stem(path);
    if (n_stem) path[n_stem] = '\0';
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (name_ends_with(path, endings[i])) {
            path[strlen(path) - strlen(endings[i])] = '\0';
            return;
        }
}

/* The path to open for a file of a GGUF model: the file itself, or the first of its shards. */
static void to_open(const char *path, char out[STORE_MAX_PATH])
{
    size_t n_stem;
    int32_t no, count;
    if (gguf_shard_path(path, &n_stem, &no, &count))
        snprintf(out, STORE_MAX_PATH, "%.*s-00001-of-%05d.gguf", (int)n_stem, path, count);
    else snprintf(out, STORE_MAX_PATH, "%s", path);
}

typedef enum layout { FLAT, HUB, REGISTRY, WEB } layout; /* of the place itself, hf/, ollama/, url/ */

static bool has_file(const char *folder, const char *name)
{
    char path[STORE_MAX_PATH];
    struct stat st;
    return (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path && stat(path, &st) == 0;
}

/* Whether folder is one of original weights; its files, but for GGUF files, are one model then. */
static bool is_weights_folder(const char *folder, layout how)
{
    return (how == FLAT || how == HUB) && (has_file(folder, "config.json") || has_file(folder, "config.json.part"));
}

/* A file of the store: whose is it? model_folder: of a safetensors model above it, or NULL. */
static void see_file(scan *s, const char *path, const struct stat *st, layout how, const char *model_folder)
{
    char final[STORE_MAX_PATH], open[STORE_MAX_PATH], folder[STORE_MAX_PATH];
    snprintf(final, sizeof final, "%s", path);
    strip_part(final);
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    if (repo_is_model_gguf(final)) {
        to_open(final, open);
        add_file(s, path, st, open, folder);
    } else if (how == REGISTRY) { /* licence, template */
        snprintf(open, sizeof open, "%.*s/model.gguf", STORE_MAX_PATH - 16, folder);
        add_file(s, path, st, open, folder);
    } else if (model_folder) {
        add_file(s, path, st, model_folder, model_folder);
    }
}

static void walk(scan *s, const char *folder, int depth, layout how, const char *model_folder)
{
    DIR *d = opendir(folder);
    if (!d && errno == ENOMEM) s->status = sumi_fail(s->err, SUMI_ENOMEM, "%s: out of memory", folder);
    if (!d) return;
    if (!model_folder && depth > 0 && is_weights_folder(folder, how)) model_folder = folder;
    for (struct dirent *e; s->status == SUMI_OK && (e = readdir(d));) {
        char path[STORE_MAX_PATH];
        struct stat st;
        if (e->d_name[0] == '.') continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= sizeof path - 64) continue;
        if (stat(path, &st) != 0) continue;
        if (S_ISREG(st.st_mode)) {
            if (s->n_files++ > 100 * STORE_MAX_MODELS)
                s->status = sumi_fail(s->err, SUMI_ELIMIT, "%s: the folder has too many files", s->root);
            else see_file(s, path, &st, how, model_folder);
        } else if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
            layout below = how;
            if (depth == 0)
                below = !strcmp(e->d_name, "hf")       ? HUB
                        : !strcmp(e->d_name, "ollama") ? REGISTRY
                        : !strcmp(e->d_name, "url")    ? WEB
                                                       : FLAT;
            /* In the searched folder itself, only folders of weights are read, one level deep. */
            if (below == FLAT && !(depth == 0 ? is_weights_folder(path, FLAT) : depth == 1)) continue;
            walk(s, path, depth + 1, below, model_folder);
        }
    }
    closedir(d);
}

/* ---- Names ---- */

/* The components of a path below the place: "hf", "owner", "name", ... Returns how many; at most max. */
static int split_path(char *path, char **parts, int max)
{
    int n = 0;
    for (char *save, *part = strtok_r(path, "/", &save); part && n < max; part = strtok_r(NULL, "/", &save))
        parts[n++] = part;
    return n;
}

/* The base name without ".gguf" and the number of a shard. */
static void stem(const char *path, char *out, size_t n_out)
{
    size_t n_stem;
    int32_t no, count;
    const char *base = name_base(path);
    size_t n = strlen(base);
    if (gguf_shard_path(path, &n_stem, &no, &count)) n = n_stem - (size_t)(base - path);
    else if (name_ends_with(base, ".gguf")) n -= 5;
    snprintf(out, n_out, "%.*s", (int)n, base);
}

/* by_label: "hf:OWNER/NAME:Q4_K_M"; otherwise the file in the place of the tag. */
static char *make_name(const store_model *m, const char *root, bool by_label)
{
    char below[STORE_MAX_PATH], last[NAME_MAX_PATH], *parts[16], *name = NULL;
    const char *relative = m->path + strlen(root) + 1;
    snprintf(below, sizeof below, "%s", relative);
    int n = split_path(below, parts, 16), written = -1;
    bool is_folder = !repo_is_model_gguf(m->path);
    if (n >= (is_folder ? 3 : 4) && !strcmp(parts[0], "hf")) { /* a file one level higher belongs to no repository */
        const char *file = is_folder ? "safetensors"
                                     : relative + strlen("hf/") + strlen(parts[1]) + 1 + strlen(parts[2]) + 1;
        if (!is_folder && by_label) repo_label(file, last, sizeof last);
        else snprintf(last, sizeof last, "%s", file);
        written = asprintf(&name, "hf:%s/%s:%s", parts[1], parts[2], last);
    } else if (n == 6 && !strcmp(parts[0], "ollama")) {
        bool own_host = !strcmp(parts[1], "registry.ollama.ai"), library = own_host && !strcmp(parts[2], "library");
        written = asprintf(&name, "ollama:%s%s%s%s%s:%s", own_host ? "" : parts[1], own_host ? "" : "/",
                           library ? "" : parts[2], library ? "" : "/", parts[3], parts[4]);
    } else {
        stem(m->path, last, sizeof last);
        written = asprintf(&name, "%s", by_label || n == 1 || is_folder ? last : relative);
    }
    return written < 0 ? NULL : name;
}

/* A split model without one of its files, as between two files of an interrupted pull. */
static bool lacks_shards(const store_model *m)
{
    size_t n_stem;
    int32_t no, count, n = 0;
    if (!gguf_shard_path(m->path, &n_stem, &no, &count)) return false;
    for (int32_t i = 0; i < m->n_files; i++) n += name_ends_with(m->files[i], ".gguf");
    return n < count;
}

static void name_longer(scan *s, const store_places *p, store_model *m)
{
    char *longer = make_name(m, p->folders[m->place], false);
    if (!longer) return out_of_memory(s);
    free(m->name);
    m->name = longer;
}

/* Short names where they are unique, longer ones elsewhere. */
static void name_models(scan *s, const store_places *p)
{
    store_list *l = s->list;
    for (int32_t i = 0; i < l->n; i++) {
        store_model *m = &l->models[i];
        m->partial |= lacks_shards(m);
        if (!(m->name = make_name(m, p->folders[m->place], true))) out_of_memory(s);
    }
    for (int32_t i = 0; s->status == SUMI_OK && i < l->n; i++) {
        store_model *m = &l->models[i];
        bool twice = false;
        for (int32_t k = i + 1; k < l->n; k++) {
            store_model *other = &l->models[k];
            if (other->place != m->place || strcmp(other->name, m->name) != 0) continue;
            name_longer(s, p, other);
            twice = true;
        }
        if (twice) name_longer(s, p, m);
    }
}

static int by_name(const void *a, const void *b)
{
    const store_model *x = a, *y = b;
    return x->place != y->place ? (x->place < y->place ? -1 : 1) : strcmp(x->name, y->name);
}

sumi_status store_scan(const store_places *p, store_list *out, sumi_error *err)
{
    scan s = { .list = out, .err = err };
    *out = (store_list){ 0 };
    for (int32_t i = 0; i < p->n && s.status == SUMI_OK; i++) {
        s.place = i;
        s.root = p->folders[i];
        walk(&s, s.root, 0, FLAT, NULL);
    }
    if (s.status == SUMI_OK) name_models(&s, p);
    if (s.status != SUMI_OK) store_list_deinit(out);
    else if (out->n) qsort(out->models, (size_t)out->n, sizeof *out->models, by_name);
    return s.status;
}

void store_list_deinit(store_list *l)
{
    for (int32_t i = 0; i < l->n; i++) {
        store_model *m = &l->models[i];
        for (int32_t k = 0; k < m->n_files; k++) free(m->files[k]);
        free(m->files);
        free(m->name);
        free(m->path);
        free(m->folder);
    }
    free(l->models);
    *l = (store_list){ 0 };
}
