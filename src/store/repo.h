/* repo.h - a list of the files of a repository or of a local folder; chooses the files of one model.
 *
 * A repository often has one model in many quantisations, each a GGUF file or a set of split files. A variant is one of
 * these quantisations. Users name it by a tag, "Q4_K_M", which is part of the file's name or of its folder's name:
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

/* The tag in the file's name, "Q4_K_M"; the base name without ".gguf" if no part of it looks like a type. */
void repo_label(const char *path, char *out, size_t n_out);

/* Marks in chosen [r->n] the files of one GGUF variant. what: a tag, in letters of either case, or a file's path or name
 * (any file of a split variant); "": the most usual quantisation of those in the list. SUMI_EINVAL: no variant or several
 * variants match; the message lists the variants. SUMI_EFORMAT: files of a split variant are missing. */
SUMI_MUST_USE sumi_status repo_choose_gguf(const repo *r, const char *what, bool *chosen, sumi_error *err);

/* Marks the files of the original model: safetensors with their index, configuration, tokenizer, licence.
 * SUMI_EUNSUPPORTED if there are none. */
SUMI_MUST_USE sumi_status repo_choose_safetensors(const repo *r, bool *chosen, sumi_error *err);

/* The first marked file of a GGUF variant: the one to open. */
const char *repo_first(const repo *r, const bool *chosen);

#endif
