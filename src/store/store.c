/* store.c - see store.h. */
#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/nearest.h"
#include "store/lock.h"
#include "store/ref.h"
#include "store/repo.h"

/* ---- Places ---- */

static void add_place(store_places *p, const char *folder)
{
    if (strlen(folder) < STORE_MAX_PATH) strcpy(p->folders[p->n++], folder);
}

void store_places_init(store_places *p, const char *sumi_models, const char *xdg_cache_home, const char *home)
{
    char cache[STORE_MAX_PATH] = "";
    *p = (store_places){ 0 };
    if (xdg_cache_home && *xdg_cache_home == '/') /* the specification has relative ones ignored */
        snprintf(cache, sizeof cache, "%.4000s/sumi", xdg_cache_home);
    else if (home && *home) snprintf(cache, sizeof cache, "%.4000s/.cache/sumi", home);
    if (sumi_models && *sumi_models) {
        add_place(p, sumi_models);
        size_t n = strlen(p->folders[0]);
        while (n > 1 && p->folders[0][n - 1] == '/') p->folders[0][--n] = '\0';
    }
    if (!p->n || strcmp(p->folders[0], "models") != 0) add_place(p, "models");
    p->own = sumi_models && *sumi_models ? 0 : *cache ? 1 : 0; /* without a home: models of this folder */
    if (*cache) add_place(p, cache);
}

/* "A, B or C" */
static void list_places(const store_places *p, char *out, size_t n_out)
{
    size_t used = 0;
    out[0] = '\0';
    for (int32_t i = 0; i < p->n && used < n_out; i++)
        used += (size_t)snprintf(out + used, n_out - used, "%s%.100s",
                                 i == 0         ? ""
                                 : i + 1 < p->n ? ", "
                                                : " or ",
                                 p->folders[i]);
}

/* ---- Names ---- */

/* Whether text is name, or the end of name after a slash or after the scheme. */
static bool ends_as(const char *name, size_t n_name, const char *text)
{
    size_t n = strlen(text);
    if (n > n_name || memcmp(name + n_name - n, text, n) != 0) return false;
    if (n == n_name) return true;
    const char *before = name + n_name - n - 1;
    return *before == '/' || (*before == ':' && !memchr(name, ':', (size_t)(before - name)));
}

static bool matches(const store_model *m, const char *text)
{
    const char *tag = strchr(m->name, ':');
    tag = tag ? strchr(tag + 1, ':') : NULL; /* hf:owner/name:TAG */
    if (ends_as(m->name, strlen(m->name), text)) return true;
    if (tag && ends_as(m->name, (size_t)(tag - m->name), text)) return true;
    const char *base = name_base(m->path);
    size_t n = strlen(base), n_text = strlen(text);
    return !strcmp(base, text) || (n == n_text + 5 && name_ends_with(base, ".gguf") && !memcmp(base, text, n_text));
}

sumi_status store_match(const store_list *l, const char *text, const store_model **found, sumi_error *err)
{
    char names[320];
    size_t used = 0;
    int32_t n = 0;
    *found = NULL;
    for (int32_t i = 0; i < l->n; i++)
        if (!strcmp(l->models[i].name, text) || !strcmp(l->models[i].path, text)) {
            *found = &l->models[i];
            return SUMI_OK;
        }
    for (int32_t i = 0; i < l->n; i++) {
        if (!matches(&l->models[i], text)) continue;
        *found = &l->models[i];
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", n++ ? ", " : "", l->models[i].name);
        else n++;
    }
    if (n == 1) return SUMI_OK;
    *found = NULL;
    if (n == 0) return sumi_fail(err, SUMI_EIO, "%.200s: no model of this name; 'sumi list' shows all models", text);
    return sumi_fail(err, SUMI_EINVAL, "%.100s: %d models have this name: %s", text, n, names);
}

/* ---- Finding ---- */

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The file in the folder of a repository that a reference means. */
static sumi_status find_in_repo(const store_list *l, const char *folder, const char *what, char *out, size_t n_out)
{
    repo r = { 0 };
    size_t n = strlen(folder);
    sumi_status st = SUMI_OK;
    for (int32_t i = 0; st == SUMI_OK && i < l->n; i++) {
        const store_model *m = &l->models[i];
        for (int32_t k = 0; st == SUMI_OK && k < m->n_files; k++)
            if (!strncmp(m->files[k], folder, n) && m->files[k][n] == '/' && repo_is_model_gguf(m->files[k]))
                st = repo_add(&r, m->files[k] + n + 1, -1, (digest){ DIGEST_NONE, "" }, NULL);
    }
    bool *chosen = calloc((size_t)r.n + 1, sizeof *chosen);
    if (st == SUMI_OK && !chosen) st = SUMI_ENOMEM;
    if (st == SUMI_OK && (st = repo_choose_gguf(&r, what, chosen, NULL)) == SUMI_OK)
        snprintf(out, n_out, "%s/%s", folder, repo_first(&r, chosen));
    free(chosen);
    repo_deinit(&r);
    return st;
}

/* In one folder. False: not found. */
static bool find_ref_in(const store_places *p, int32_t place, const store_list *l, const model_ref *r,
                        const char *below, char *out, size_t n_out)
{
    char folder[STORE_MAX_PATH], config[STORE_MAX_PATH + 16];
    if ((size_t)snprintf(folder, sizeof folder, "%s/%s", p->folders[place], below) >= sizeof folder) return false;
    if (r->kind != REF_HF) {
        const char *file = r->kind == REF_OLLAMA ? "model.gguf" : r->what;
        return (size_t)snprintf(out, n_out, "%s/%s", folder, file) < n_out && exists(out);
    }
    bool weights = !strcmp(r->what, "safetensors");
    if (!weights && exists(folder) && find_in_repo(l, folder, r->what, out, n_out) == SUMI_OK) return true;
    snprintf(config, sizeof config, "%s/config.json", folder);
    return (weights || !*r->what) && exists(config) && (size_t)snprintf(out, n_out, "%s", folder) < n_out;
}

static sumi_status find_ref(const store_places *p, const char *text, char *out, size_t n_out, sumi_error *err)
{
    model_ref r;
    store_list l = { 0 };
    char below[REF_MAX_URL + NAME_MAX_PATH + 1];
    sumi_status st = ref_parse(&r, text, err);
    if (st == SUMI_OK) st = ref_folder(&r, below, sizeof below, err);
    if (st == SUMI_OK) st = store_scan(p, &l, err);
    if (st != SUMI_OK) return st;
    bool found = false;
    for (int32_t i = 0; !found && i < p->n; i++) found = find_ref_in(p, i, &l, &r, below, out, n_out);
    store_list_deinit(&l);
    if (found) return SUMI_OK;
    out[0] = '\0';
    return sumi_fail(err, SUMI_EIO, "%.200s is not downloaded; run: sumi pull %.200s", text, text);
}

/* NAME.gguf, a split NAME, or a folder NAME of safetensors, directly in a place. */
static bool find_flat(const store_places *p, const char *name, char *out, size_t n_out)
{
    for (int32_t i = 0; i < p->n; i++) {
        char config[STORE_MAX_PATH + 300];
        if ((size_t)snprintf(out, n_out, "%s/%s.gguf", p->folders[i], name) < n_out && exists(out)) return true;
        snprintf(config, sizeof config, "%s/%.200s/config.json", p->folders[i], name);
        if (exists(config) && (size_t)snprintf(out, n_out, "%s/%s", p->folders[i], name) < n_out) return true;
    }
    return false;
}

/* "; did you mean 'smollm2'?", or "". */
static void suggest(const store_list *l, const char *model, char *out, size_t n_out)
{
    nearest near = { .to = model };
    for (int32_t i = 0; i < l->n; i++) nearest_try(&near, l->models[i].name);
    if (near.best) snprintf(out, n_out, "; did you mean '%.80s'?", near.best);
    else out[0] = '\0';
}

sumi_status store_find(const store_places *p, const char *model, char *out, size_t n_out, sumi_error *err)
{
    store_list l;
    const store_model *m;
    char places[400], hint[120] = "";
    if (exists(model)) {
        if ((size_t)snprintf(out, n_out, "%s", model) < n_out) return SUMI_OK;
        return sumi_fail(err, SUMI_EINVAL, "%.64s...: the path is too long", model);
    }
    int why = errno;
    out[0] = '\0';
    if (ref_is(model)) return find_ref(p, model, out, n_out, err);
    bool is_path = *model == '/' || *model == '.' || name_ends_with(model, ".gguf");
    if (is_path || !*model) return sumi_fail(err, SUMI_EIO, "%s: %s", model, strerror(why));
    if (!strchr(model, '/') && find_flat(p, model, out, n_out)) return SUMI_OK;
    sumi_status st = store_scan(p, &l, err);
    if (st != SUMI_OK) return st;
    st = store_match(&l, model, &m, err);
    if (st == SUMI_OK && (size_t)snprintf(out, n_out, "%s", m->path) >= n_out)
        st = sumi_fail(err, SUMI_EINVAL, "%.64s...: the path is too long", m->path);
    if (st == SUMI_EIO) suggest(&l, model, hint, sizeof hint);
    store_list_deinit(&l);
    if (st != SUMI_EIO) return st;
    list_places(p, places, sizeof places);
    return sumi_fail(err, st,
                     "%.100s: no such file, and no model of this name in %s%s 'sumi list' shows all models, and "
                     "'sumi pull' downloads more",
                     model, places, *hint ? hint : ";");
}

/* ---- Removing ---- */

/* Whether the folder of path really is the store or below it, after resolving links. */
static bool is_inside(const char *path, const char *root)
{
    char folder[STORE_MAX_PATH], real[PATH_MAX], real_root[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash) return false;
    *slash = '\0';
    if (!realpath(folder, real) || !realpath(root, real_root)) return false;
    size_t n = strlen(real_root);
    return !strncmp(real, real_root, n) && (real[n] == '/' || real[n] == '\0');
}

sumi_status store_remove(const store_places *p, const store_model *m, sumi_error *err)
{
    const char *root = p->folders[p->own];
    int lock = -1;
    for (int32_t i = 0; i < m->n_files; i++)
        if (m->place != p->own || !is_inside(m->files[i], root))
            return sumi_fail(err, SUMI_EINVAL, "%s: is outside of the store %s; remove it yourself if it is not needed",
                             m->files[i], root);
    bool flat = !strcmp(m->folder, root); /* no model is downloaded into the store folder itself */
    sumi_status st = flat ? SUMI_OK : folder_lock(m->folder, &lock, err);
    for (int32_t i = 0; st == SUMI_OK && i < m->n_files; i++) {
        if (unlink(m->files[i]) != 0 && errno != ENOENT) st = sumi_fail_errno(err, m->files[i]);
        char folder[STORE_MAX_PATH];
        snprintf(folder, sizeof folder, "%s", m->files[i]);
        *strrchr(folder, '/') = '\0';
        if (!flat && strcmp(folder, m->folder) != 0) folder_remove_empty(folder, m->folder);
    }
    if (st == SUMI_OK && !flat) folder_remove_empty(m->folder, root);
    if (lock >= 0) close(lock);
    return st;
}
