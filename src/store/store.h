/* store.h - the folders of models, and finding models by name. No other file decides this.
 *
 * Models are searched in up to three folders, in this order; the store is the folder that `sumi pull` writes to.
 *
 *   $SUMI_MODELS, if it is set             then this is the store
 *   models                                 of the current folder
 *   $XDG_CACHE_HOME/sumi or ~/.cache/sumi  otherwise this is the store
 *
 *   FOLDER/NAME.gguf                                   called NAME
 *   FOLDER/NAME-00001-of-00003.gguf ...                called NAME
 *   FOLDER/NAME/config.json, model.safetensors ...     called NAME
 *   FOLDER/hf/OWNER/NAME[@REVISION]/FILE.gguf          called hf:OWNER/NAME[@REVISION]:TAG
 *   FOLDER/hf/OWNER/NAME[@REVISION]/config.json ...    called hf:OWNER/NAME[@REVISION]:safetensors
 *   FOLDER/ollama/HOST/NAMESPACE/NAME/TAG/model.gguf   called ollama:NAME:TAG (HOST/NAMESPACE/ in front if not default)
 *   FOLDER/url/HOST/PATH/FILE.gguf                     called FILE
 *
 * Files that end in ".part" belong to interrupted downloads. */
#ifndef SUMI_STORE_STORE_H
#define SUMI_STORE_STORE_H

#include <time.h>

#include "sumi.h"

#define STORE_MAX_PATH   4096
#define STORE_MAX_MODELS 10000

typedef struct store_places {
    char folders[3][STORE_MAX_PATH]; /* in the order of search */
    int32_t n, own;                  /* own: the store's number */
} store_places;

/* From the environment's variables, each of which may be NULL. */
void store_places_init(store_places *p, const char *sumi_models, const char *xdg_cache_home, const char *home);

typedef struct store_model {
    char *name, *path; /* path: to open */
    char *folder;      /* the model's own folder, or the searched folder itself; the model's files are below it */
    char **files;      /* [n_files] paths of all its files: shards, texts, parts */
    int32_t n_files, place;
    bool partial;    /* some part has not come yet */
    int64_t n_bytes; /* of all files */
    time_t modified; /* the newest */
} store_model;

typedef struct store_list {
    store_model *models; /* [n], by place and name */
    int32_t n;
} store_list;

/* All models of all folders. A folder that does not exist has none. SUMI_ENOMEM, SUMI_ELIMIT. */
SUMI_MUST_USE sumi_status store_scan(const store_places *p, store_list *out, sumi_error *err);
void store_list_deinit(store_list *l);

/* The model that text means: text is its name, the end of its name ("NAME:TAG", "NAME", the file's name), or its path.
 * SUMI_EIO: no model; SUMI_EINVAL: several models; the message lists them. */
SUMI_MUST_USE sumi_status store_match(const store_list *l, const char *text, const store_model **found,
                                      sumi_error *err);

/* Converts MODEL as users write it (a path, a name, or a reference (ref.h) to a downloaded model) to a path [n_out] that
 * can be opened. SUMI_EIO: the model is not there; the message says how to download it. */
SUMI_MUST_USE sumi_status store_find(const store_places *p, const char *model, char *out, size_t n_out,
                                     sumi_error *err);

/* Removes the model's files, and folders that become empty. SUMI_EINVAL: the model is not in the store; SUMI_EBUSY: it is
 * being downloaded. */
SUMI_MUST_USE sumi_status store_remove(const store_places *p, const store_model *m, sumi_error *err);

#endif
