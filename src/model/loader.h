/* loader.h - finds tensors of a file by name and checks their shapes. Used while a model is created, by the files of this
 * folder only.
 *
 * The forward pass must use every tensor of the file. If it ignored a tensor, a feature of the model would not be computed,
 * and the answers would be wrong without an error. So each look-up marks the tensor as used. */
#ifndef SUMI_MODEL_LOADER_H
#define SUMI_MODEL_LOADER_H

#include "model/model.h"

typedef struct loader {
    const model_source *src;
    model *m;
    bool *used; /* [n_tensors] */
    const model_watcher *watcher;
    uint64_t done, total; /* bytes of tensors */
    void *scratch;        /* [scratch_bytes] rows before they are packed */
    size_t scratch_bytes;
    sumi_error *err;
    sumi_status status; /* the first failure is kept; later calls do nothing and return NULL */
} loader;

/* "blk.7.attn_q.weight" */
typedef struct tensor_name {
    char s[64];
} tensor_name;
tensor_name in_layer(int32_t i, const char *name, const char *kind);
tensor_name at_top(const char *name, const char *kind);

/* Rows first .. first + n - 1 of a tensor with `total` rows: matrices with the same input may be stored as one tensor. */
typedef struct tensor_rows {
    int64_t first, n, total;
} tensor_rows;

static inline tensor_rows all_rows(int64_t n)
{
    return (tensor_rows){ 0, n, n };
}

bool loader_has(const loader *l, tensor_name name);

/* Part of a vector [rows.total], or of a small matrix with as many elements, as floats [rows.n] that the caller owns
 * (mem_free). NULL also if the tensor is missing and not required. */
float *loader_vector(loader *l, tensor_name name, bool required, tensor_rows rows);

/* Part of a matrix [rows.total][n_cols] in the backend's layout. The tensor is required. */
weight *loader_matrix(loader *l, tensor_name name, tensor_rows rows, int64_t n_cols);

/* The same rows of each of the n matrices [rows.total][n_cols] of a tensor of three dimensions. The caller owns the array
 * (free) and the weights in it, also when some are NULL after a failure. */
weight **loader_matrices(loader *l, tensor_name name, int32_t n, tensor_rows rows, int64_t n_cols);

/* Frees such an array [n] and the weights in it. w may be NULL. */
void loader_destroy_matrices(const backend *be, weight **w, int32_t n);

/* The number of rows of a required matrix, from the file. */
int32_t loader_n_rows(loader *l, tensor_name name);

/* A matrix [n_rows][n_cols] whose rows are looked up only; it is in no product. */
weight *loader_table(loader *l, tensor_name name, int64_t n_rows, int64_t n_cols);

/* The same for a matrix that is used in a product, too. */
weight *loader_embedding(loader *l, tensor_name name, int64_t n_rows, int64_t n_cols);

/* Records a failure; the message begins with the file's name. */
void loader_fail(loader *l, sumi_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

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
