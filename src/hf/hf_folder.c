/* hf_folder.c - see hf_folder.h. Names of files: the transformers library. */
#include "hf/hf_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ends_with.h"
#include "base/error.h"
#include "base/json_read.h"
#include "format/file_bytes.h"

#define MAX_JSON     ((size_t)256 << 20) /* the largest tokenizer.json known have 40 MB */
#define MAX_TEMPLATE ((size_t)4 << 20)

void hf_folder_deinit(hf_folder *f)
{
    json_t *texts[] = {
        f->config, f->tokenizer, f->tokenizer_config, f->specials, f->generation, f->pooling, f->adapter
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) json_decref(texts[i]);
    for (int32_t i = 0; i < f->n_files; i++) st_close(f->files[i]);
    free(f->files);
    free(f->chat_template);
    free(f->path);
    *f = (hf_folder){ 0 };
}

/* Reads a file of the folder into memory, to be freed; *data NULL: there is no such file. */
static sumi_status read_file(const hf_folder *f, const char *name, size_t max, void **data, size_t *n, sumi_error *err)
{
    char *path;
    *data = NULL;
    if (asprintf(&path, "%s/%s", f->path, name) < 0) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    bool there = access(path, F_OK) == 0;
    sumi_status st = there ? file_bytes_read(path, max, data, n, err) : SUMI_OK;
    free(path);
    return st;
}

/* Python writes NaN, Infinity and -Infinity, which JSON does not have. They become texts, "NaN" and so on, which readers of
 * numbers refuse by name. n_found 0: there are none. The caller frees the result; NULL: out of memory. */
static char *quote_non_numbers(const char *text, size_t n, size_t *n_out, size_t *n_found)
{
    static const char *const names[] = { "NaN", "Infinity", "-Infinity" };
    char *out = malloc(2 * n + 1);
    bool quoted = false;
    size_t used = 0;
    *n_found = 0;
    for (size_t i = 0; out && i < n;) {
        size_t length = 0;
        for (size_t k = 0; !quoted && k < sizeof names / sizeof *names; k++)
            if (n - i >= strlen(names[k]) && !memcmp(text + i, names[k], strlen(names[k]))) length = strlen(names[k]);
        if (length > 0) {
            out[used++] = '"';
            memcpy(out + used, text + i, length);
            used += length;
            out[used++] = '"';
            i += length;
            ++*n_found;
            continue;
        }
        if (text[i] == '"') quoted = !quoted;
        else if (quoted && text[i] == '\\' && i + 1 < n) out[used++] = text[i++];
        out[used++] = text[i++];
    }
    *n_out = used;
    return out;
}

static json_t *parse(const char *data, size_t n, size_t flags, json_error_t *why)
{
    size_t n_fixed, n_found;
    json_t *json = json_read(data, n, flags, why);
    if (json) return json;
    char *fixed = quote_non_numbers(data, n, &n_fixed, &n_found);
    if (fixed && n_found > 0) json = json_read(fixed, n_fixed, flags, why);
    free(fixed);
    return json;
}

/* *out NULL: there is no such file. Texts may contain NULs, as some tokens do. */
static sumi_status read_json(const hf_folder *f, const char *name, json_t **out, sumi_error *err)
{
    /* tokenizer_config.json has 10^30 as model_max_length if there is no limit; no number is read from this file. */
    size_t reals = !strcmp(name, "tokenizer_config.json") ? JSON_DECODE_INT_AS_REAL : 0;
    void *data;
    size_t n;
    json_error_t why;
    *out = NULL;
    sumi_status st = read_file(f, name, MAX_JSON, &data, &n, err);
    if (st != SUMI_OK || !data) return st;
    *out = parse(data, n, JSON_ALLOW_NUL | reals, &why);
    free(data);
    if (!*out) {
        char what[160];
        snprintf(what, sizeof what, "%s/%s", sumi_path_end(f->path), name);
        return json_read_fail(err, &why, SUMI_EFORMAT, what);
    }
    if (json_is_object(*out)) return SUMI_OK;
    json_decref(*out);
    *out = NULL;
    return sumi_fail(err, SUMI_EFORMAT, "%s/%s: not a JSON object", sumi_path_end(f->path), name);
}

/* chat_template.jinja, or chat_template.json with it as a string. */
static sumi_status read_template(hf_folder *f, sumi_error *err)
{
    void *data;
    json_t *json;
    sumi_status st = read_file(f, "chat_template.jinja", MAX_TEMPLATE, &data, &f->n_chat_template, err);
    if (st != SUMI_OK) return st;
    if (data) {
        f->chat_template = strndup(data, f->n_chat_template);
        free(data);
        return f->chat_template ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory");
    }
    if ((st = read_json(f, "chat_template.json", &json, err))) return st;
    const char *text = json_string_value(json_object_get(json, "chat_template"));
    f->n_chat_template = text ? strlen(text) : 0;
    f->chat_template = text ? strdup(text) : NULL;
    json_decref(json);
    return SUMI_OK;
}

static sumi_status open_file(hf_folder *f, const char *name, sumi_error *err)
{
    char *path;
    if (asprintf(&path, "%s/%s", f->path, name) < 0) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = st_open(&f->files[f->n_files], path, err);
    if (st == SUMI_OK) f->n_files++;
    free(path);
    return st;
}

/* Opens the files that an index names, each once. They must be in the same folder: a name with a folder in it is
 * refused. */
static sumi_status open_indexed(hf_folder *f, json_t *index, sumi_error *err)
{
    const char *tensor;
    json_t *file, *map = json_object_get(index, "weight_map"), *seen = json_object();
    sumi_status st = SUMI_OK;
    json_object_foreach(map, tensor, file)
    {
        const char *name = json_string_value(file);
        if (name && json_object_get(seen, name)) continue;
        if (!name || !*name || strchr(name, '/') || *name == '.' || !ends_with(name, ".safetensors"))
            st = sumi_fail(err, SUMI_EFORMAT,
                           "%s: the index names '%.80s' for '%.80s', which is not a safetensors file",
                           sumi_path_end(f->path), name ? name : "", tensor);
        else if (f->n_files == HF_MAX_FILES)
            st = sumi_fail(err, SUMI_ELIMIT, "%s: more than %d files", sumi_path_end(f->path), HF_MAX_FILES);
        else if (json_object_set_new(seen, name, json_true())) st = sumi_fail(err, SUMI_ENOMEM, "out of memory");
        else st = open_file(f, name, err);
        if (st != SUMI_OK) break;
    }
    json_decref(seen);
    return st;
}

/* Why there are no weights. */
static sumi_status fail_without_weights(const hf_folder *f, sumi_error *err)
{
    char pickle[256] = "";
    DIR *dir = opendir(f->path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (st_is_pickle(e->d_name)) snprintf(pickle, sizeof pickle, "%.200s", e->d_name);
    if (dir) closedir(dir);
    if (*pickle)
        return sumi_fail(
            err, SUMI_EUNSUPPORTED,
            "%s: its weights are a pickle file (%s), which can run any code when it is read; use a version "
            "with safetensors",
            sumi_path_end(f->path), pickle);
    return sumi_fail(err, SUMI_EIO, "%s: no model.safetensors and no model.safetensors.index.json",
                     sumi_path_end(f->path));
}

static sumi_status open_weights(hf_folder *f, sumi_error *err)
{
    json_t *index;
    if (!(f->files = calloc(HF_MAX_FILES, sizeof *f->files))) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = read_json(f, "model.safetensors.index.json", &index, err);
    if (st != SUMI_OK) return st;
    if (index) {
        st = open_indexed(f, index, err);
        json_decref(index);
    } else {
        st = open_file(f, "model.safetensors", err);
        if (st == SUMI_EIO) return fail_without_weights(f, err);
    }
    if (st == SUMI_OK && f->n_files == 0)
        st = sumi_fail(err, SUMI_EFORMAT, "%s: model.safetensors.index.json names no files", sumi_path_end(f->path));
    return st;
}

sumi_status hf_folder_init(hf_folder *f, const char *path, sumi_error *err)
{
    sumi_status st;
    *f = (hf_folder){ .path = strdup(path) };
    if (!f->path) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    size_t n = strlen(path);
    while (n > 1 && f->path[n - 1] == '/') f->path[--n] = '\0';
    if ((st = read_json(f, "config.json", &f->config, err))) return st;
    if ((st = read_json(f, "tokenizer.json", &f->tokenizer, err))) return st;
    if ((st = read_json(f, "adapter_config.json", &f->adapter, err))) return st;
    if (!f->config && !f->tokenizer && !f->adapter)
        return sumi_fail(err, SUMI_EIO,
                         "%s: no model: a Hugging Face folder has config.json, tokenizer.json and safetensors",
                         sumi_path_end(f->path));
    if ((st = read_json(f, "tokenizer_config.json", &f->tokenizer_config, err))) return st;
    if ((st = read_json(f, "special_tokens_map.json", &f->specials, err))) return st;
    if ((st = read_json(f, "generation_config.json", &f->generation, err))) return st;
    if ((st = read_json(f, "1_Pooling/config.json", &f->pooling, err))) return st;
    if ((st = read_template(f, err))) return st;
    if (!f->config) return SUMI_OK;
    st = open_weights(f, err);
    bool lacks_weights = f->n_files == 0 && (st == SUMI_EIO || st == SUMI_EUNSUPPORTED);
    if (!f->adapter || !lacks_weights) return st;
    json_decref(f->config); /* of the base model */
    f->config = NULL;
    return SUMI_OK;
}
