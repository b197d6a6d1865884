/* repo.h - a list of files, of a repository on a hub or of a folder here, and which of them are the model one wants.
 *
 * A repository often holds one model in many quantisations, each a GGUF file or a set of them. A variant is one of these.
 * Users name it by a tag, "Q4_K_M", which stands in the file's name or folder:
 *
 *   tiny-Q4_K_M.gguf      tiny.Q8_0.gguf      BF16/tiny-BF16-00001-of-00002.gguf + BF16/tiny-BF16-00002-of-00002.gguf
 *
 * Files beside the model that are GGUF too, projectors ("mmproj") and importance matrices, are never a variant. */
#ifndef SUMI_STORE_REPO_H
#define SUMI_STORE_REPO_H

#include "store/digest.h"

#define REPO_MAX_FILES 20000

typedef struct repo_file {
    char *path;      /* relative */
    int64_t n_bytes; /* -1: not known */
    digest digest;
} repo_file;

typedef struct repo {
    repo_file *files; /* [n] */
    int32_t n;
} repo;

/* Takes a copy of path. SUMI_ELIMIT above REPO_MAX_FILES. */
SUMI_MUST_USE sumi_status repo_add(repo *r, const char *path, int64_t n_bytes, digest d, sumi_error *err);
void repo_deinit(repo *r);

bool repo_is_model_gguf(const char *path); /* a GGUF file that is a model or part of one */
bool repo_has_gguf(const repo *r);
bool repo_has_safetensors(const repo *r);

/* "Q4_K_M", as the file is called; the base name without ".gguf" if nothing in it looks like a type. */
void repo_label(const char *path, char *out, size_t n_out);

/* Marks in chosen [r->n] the files of one GGUF variant. what: a tag, in letters of either case, or a file's path or name
 * (any file of a split variant); "": the most usual quantisation that is there. SUMI_EINVAL: nothing or several match,
 * and which there are. SUMI_EFORMAT: files of a split variant are missing. */
SUMI_MUST_USE sumi_status repo_choose_gguf(const repo *r, const char *what, bool *chosen, sumi_error *err);

/* Marks the files of the original model: safetensors with their index, configuration, tokenizer, licence.
 * SUMI_EUNSUPPORTED if there are none. */
SUMI_MUST_USE sumi_status repo_choose_safetensors(const repo *r, bool *chosen, sumi_error *err);

/* The first marked file of a GGUF variant: the one to open. */
const char *repo_first(const repo *r, const bool *chosen);

#endif
