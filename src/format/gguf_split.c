/* gguf_split.c - models in several files, as llama.cpp's gguf-split writes them (its tools/gguf-split, llama_split_path()).
 *
 *   NAME-00001-of-00003.gguf   all metadata, and split.no = 0       numbers count from 1 in names, from 0 in keys;
 *   NAME-00002-of-00003.gguf   split.no = 1                         each file has split.count = 3 and
 *   NAME-00003-of-00003.gguf   split.no = 2                         split.tensors.count, the tensors of all files
 *
 * Each file is a GGUF file of its own, with its own header, alignment and data section. They are opened one by one and
 * checked against the first. Then the first file gets the descriptions of all tensors and owns the other files, of which
 * only the bytes are used afterwards.
 *
 * The path of any of the files opens the model; the other files must be in the same folder. */
#include "format/gguf_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

#define KEY_NO      "split.no"
#define KEY_COUNT   "split.count"
#define KEY_TENSORS "split.tensors.count"

enum { SUFFIX_BYTES = sizeof "-00001-of-00003.gguf" - 1 };

bool gguf_shard_path(const char *path, size_t *n_stem, int32_t *no, int32_t *count)
{
    char again[64];
    int i, n;
    size_t n_path = strlen(path);
    if (n_path <= SUFFIX_BYTES || n_path > INT16_MAX) return false;
    const char *suffix = path + n_path - SUFFIX_BYTES;
    if (sscanf(suffix, "-%5d-of-%5d.gguf", &i, &n) != 2 || i < 1 || i > n) return false;
    snprintf(again, sizeof again, "-%05d-of-%05d.gguf", i, n);
    if (strcmp(again, suffix) != 0) return false; /* sscanf() allows spaces and signs */
    *n_stem = n_path - SUFFIX_BYTES;
    *no = i - 1;
    *count = n;
    return true;
}

/* The path of file no, made from that of another one. Owned; NULL: out of memory. */
static char *sibling(const char *path, int32_t no, int32_t count)
{
    char *out;
    size_t n = strlen(path) - SUFFIX_BYTES;
    return asprintf(&out, "%.*s-%05d-of-%05d.gguf", (int)n, path, no + 1, count) < 0 ? NULL : out;
}

/* Reads the keys of the file: it is number *no of *count. count 0 and 1 (in merged files): the file is the whole model. */
static sumi_status read_place(const model_source *src, int32_t *no, int32_t *count, sumi_error *err)
{
    int64_t n = 1, i = 0;
    const char *name = sumi_path_end(src->name);
    if (model_source_find_key(src, KEY_COUNT) >= 0 && !model_source_get_i64(src, KEY_COUNT, &n))
        return sumi_fail(err, SUMI_EFORMAT, "%s: key '%s' is not an integer", name, KEY_COUNT);
    if (n < 0 || n > GGUF_MAX_SHARDS)
        return sumi_fail(err, n < 0 ? SUMI_EFORMAT : SUMI_ELIMIT, "%s: key '%s' is %lld, not 0 to %d", name, KEY_COUNT,
                         (long long)n, GGUF_MAX_SHARDS);
    if (n > 1 && (!model_source_get_i64(src, KEY_NO, &i) || i < 0 || i >= n))
        return sumi_fail(err, SUMI_EFORMAT, "%s: key '%s' is missing or not 0 to %lld", name, KEY_NO, (long long)n - 1);
    *no = (int32_t)i;
    *count = (int32_t)n;
    return SUMI_OK;
}

/* The name must agree with the metadata, otherwise the other files cannot be found. */
static sumi_status check_name(const model_source *src, int32_t no, int32_t count, sumi_error *err)
{
    size_t n_stem;
    int32_t its_no, its_count;
    if (gguf_shard_path(src->name, &n_stem, &its_no, &its_count) && its_no == no && its_count == count) return SUMI_OK;
    return sumi_fail(err, SUMI_EFORMAT,
                     "%s: file %d of the %d of a split model; its name must end in '-%05d-of-%05d.gguf' for the "
                     "others to be found",
                     sumi_path_end(src->name), no + 1, count, no + 1, count);
}

/* File no of the model that `of` is part of. */
static sumi_status open_sibling(model_source **out, const model_source *of, int32_t no, int32_t count, sumi_error *err)
{
    int32_t its_no = 0, its_count = 0;
    sumi_error why;
    char *path = sibling(of->name, no, count);
    *out = NULL;
    if (!path) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end(of->name));
    sumi_status st = gguf_open_file(out, path, &why);
    if (st == SUMI_EIO)
        sumi_fail(err, st, "%s; the model has %d files, and all must be in this folder", why.message, count);
    else if (st != SUMI_OK && err) *err = why;
    if (st == SUMI_OK) st = read_place(*out, &its_no, &its_count, err);
    if (st == SUMI_OK && (its_no != no || its_count != count))
        st = sumi_fail(err, SUMI_EFORMAT, "%s: says it is file %d of %d; the folder mixes files of different models",
                       sumi_path_end(path), its_no + 1, its_count);
    free(path);
    return st;
}

/* Opens all files except `given`, which is open already and becomes one of them. files: [count], the caller's also on
 * failure. */
static sumi_status open_all(model_source **files, model_source *given, int32_t no, int32_t count, sumi_error *err)
{
    sumi_status st = SUMI_OK;
    files[no] = given;
    for (int32_t i = 0; st == SUMI_OK && i < count; i++)
        if (i != no) st = open_sibling(&files[i], given, i, count, err);
    return st;
}

/* The sum of all files' tensors, which must equal split.tensors.count in each file that has this key. */
static sumi_status count_tensors(model_source *const *files, int32_t count, int64_t *n, sumi_error *err)
{
    *n = 0;
    for (int32_t i = 0; i < count; i++) *n += files[i]->n_tensors;
    if (*n > GGUF_MAX_TENSORS)
        return sumi_fail(err, SUMI_ELIMIT, "%s: %lld tensors in %d files (at most %d)", sumi_path_end(files[0]->name),
                         (long long)*n, count, GGUF_MAX_TENSORS);
    for (int32_t i = 0; i < count; i++) {
        int64_t told = -1;
        if (model_source_find_key(files[i], KEY_TENSORS) < 0 ||
            (model_source_get_i64(files[i], KEY_TENSORS, &told) && told == *n))
            continue;
        return sumi_fail(err, SUMI_EFORMAT, "%s: key '%s' is %lld, but the %d files have %lld tensors",
                         sumi_path_end(files[i]->name), KEY_TENSORS, (long long)told, count, (long long)*n);
    }
    return SUMI_OK;
}

/* One list of tensors and one map of names for all files, in the first. */
static sumi_status merge_tensors(model_source *const *files, int32_t count, sumi_error *err)
{
    int64_t n = 0, total;
    sumi_status st = count_tensors(files, count, &total, err);
    if (st != SUMI_OK) return st;
    source_tensor *all = calloc((size_t)total + 1, sizeof *all);
    strmap *names = strmap_create((size_t)total);
    if (!all || !names) st = sumi_fail(err, SUMI_ENOMEM, "out of memory for %lld tensors", (long long)total);
    for (int32_t s = 0; st == SUMI_OK && s < count; s++)
        for (int64_t i = 0; st == SUMI_OK && i < files[s]->n_tensors; i++, n++) {
            source_tensor *t = &all[n];
            *t = files[s]->tensors[i];
            t->shard = s;
            int32_t held = strmap_add(names, t->name.data, t->name.n, (int32_t)n);
            if (held != n)
                st = sumi_fail(err, SUMI_EFORMAT, "%s: tensor '%.*s' is in file %d already",
                               sumi_path_end(files[s]->name), GGUF_SHOW(t->name), all[held].shard + 1);
        }
    if (st != SUMI_OK) {
        free(all);
        strmap_destroy(names);
        return st;
    }
    for (int32_t s = 0; s < count; s++) {
        free(files[s]->tensors);
        strmap_destroy(files[s]->names);
        files[s]->tensors = NULL;
        files[s]->names = NULL;
        files[s]->n_tensors = 0;
    }
    files[0]->tensors = all;
    files[0]->names = names;
    files[0]->n_tensors = total;
    return SUMI_OK;
}

sumi_status gguf_join(model_source **out, sumi_error *err)
{
    int32_t no, count;
    sumi_status st = read_place(*out, &no, &count, err);
    if (st != SUMI_OK || count <= 1) return st;
    if ((st = check_name(*out, no, count, err))) return st;
    model_source **files = calloc((size_t)count, sizeof *files);
    if (!files) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end((*out)->name));
    st = open_all(files, *out, no, count, err);
    if (st == SUMI_OK) st = merge_tensors(files, count, err);
    if (st != SUMI_OK) {
        for (int32_t i = 0; i < count; i++)
            if (i != no) model_source_close(files[i]);
        free(files);
        return st;
    }
    *out = files[0];
    memmove(files, files + 1, (size_t)(count - 1) * sizeof *files);
    (*out)->more = files;
    (*out)->n_more = count - 1;
    return SUMI_OK;
}
