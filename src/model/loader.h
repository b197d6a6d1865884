/* loader.h - tensors of a file by name, with their shapes checked. Used while a model is created, by the files of this
 * folder only.
 *
 * Every tensor of the file must be one that the forward pass uses: a tensor that would be ignored means a feature that
 * is not computed, and answers that are silently wrong. So each look-up marks the tensor as used. */
#ifndef SUMI_MODEL_LOADER_H
#define SUMI_MODEL_LOADER_H

#include "model/model.h"

typedef struct loader {
    const gguf *g;
    model *m;
    bool *used; /* [n_tensors] */
    const model_watcher *watcher;
    uint64_t done, total; /* bytes of tensors */
    void *scratch; /* [scratch_bytes] rows that are packed and not kept */
    size_t scratch_bytes;
    sumi_error *err;
    sumi_status status; /* the first failure sticks; later calls do nothing and return NULL */
} loader;

/* "blk.7.attn_q.weight" */
typedef struct tensor_name {
    char s[64];
} tensor_name;
tensor_name in_block(int32_t i, const char *name, const char *kind);
tensor_name at_top(const char *name, const char *kind);

/* Rows first .. first + n - 1 of a tensor that has total of them: matrices with the same input may be stored as one. */
typedef struct tensor_rows {
    int64_t first, n, total;
} tensor_rows;

static inline tensor_rows all_rows(int64_t n)
{
    return (tensor_rows){ 0, n, n };
}

bool loader_has(const loader *l, tensor_name name);

/* Part of a vector [rows.total], or of a small matrix with as many elements, as floats [rows.n] that the caller owns
 * (mem_free). NULL also if it is not there and not required. */
float *loader_vector(loader *l, tensor_name name, bool required, tensor_rows rows);

/* Part of a matrix [rows.total][n_cols] in the backend's layout. It is required. */
weight *loader_matrix(loader *l, tensor_name name, tensor_rows rows, int64_t n_cols);

/* The same rows of each of the n matrices [rows.total][n_cols] of a tensor of three dimensions. The caller owns the array
 * (free) and what is in it, also when some are NULL after a failure. */
weight **loader_matrices(loader *l, tensor_name name, int32_t n, tensor_rows rows, int64_t n_cols);

/* The end of such an array [n] and of what is in it; NULL is fine. */
void loader_destroy_matrices(const backend *be, weight **w, int32_t n);

/* Rows of a matrix that must be there, which the file alone knows. */
int32_t loader_n_rows(loader *l, tensor_name name);

/* A matrix [n_rows][n_cols] of which rows are looked up, and nothing is multiplied with it. */
weight *loader_table(loader *l, tensor_name name, int64_t n_rows, int64_t n_cols);

/* The same for a matrix that something is multiplied with, too. */
weight *loader_embedding(loader *l, tensor_name name, int64_t n_rows, int64_t n_cols);

/* Records a failure with the file's name before it. */
void loader_fail(loader *l, sumi_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails if some tensor of the file was not looked up. */
void loader_refuse_unknown_tensors(loader *l);

/* rope.c: the rotations of the model, from l->m->h and the file's tensors. */
void loader_rope(loader *l);

/* alibi.c: the slopes of the heads, from l->m->h. */
void loader_alibi(loader *l);

/* latent.c: the weights of attention in a layer of a model with latents. */
void loader_latent(loader *l, int32_t i, latent *w);

/* mixture.c: the experts of a layer. */
void loader_mixture(loader *l, int32_t i, mixture *x);

#endif
