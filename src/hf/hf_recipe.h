/* hf_recipe.h - how a GGUF tensor is made of the tensors of a Hugging Face folder.
 *
 * A source is one or more consecutive matrices [src_rows][src_cols]; a recipe has n_sources sources. Each source matrix
 * gives one matrix [n_rows][n_cols] of the result, whose rows are rows (or columns) of the source matrix in the order of
 * hf_order:
 *
 *   row i of the result  ->  pairs  ->  first_row + i * step  ->  groups  ->  row, or column, of the source
 *
 * Nothing is stored: rows are made on request. */
#ifndef SUMI_HF_HF_RECIPE_H
#define SUMI_HF_HF_RECIPE_H

#include "hf/hf_keys.h"

typedef struct hf_source {
    char name[64];           /* of the GGUF tensor; the sources of one tensor are adjacent, in order */
    const st_tensor *tensor; /* NULL: factors of the configuration */
    const st_tensor *scales; /* of blocks of MXFP4; else NULL */
    const hf_factors *factors;
    int32_t file, scales_file; /* in which they lie */
    int32_t layer, row;        /* the position of the GGUF tensor in the file */
    int64_t index;             /* the number at the '*' of the name; -1: no '*' */
    hf_order order;
} hf_source;

typedef struct hf_recipe {
    const hf_source *sources; /* [n_sources] */
    int32_t n_sources;
    dtype type, out_type;       /* of the sources, of the result */
    int64_t n_mats;             /* matrices in one source */
    int64_t n_rows, n_cols;     /* of one matrix of the result; a vector has n_cols == 1 */
    int64_t src_rows, src_cols; /* of one matrix of a source */
    bool vector;                /* GGUF has all rows of a matrix as one */
    bool transposed, plus_1;
    int64_t pair_rows;       /* > 0: rows of a head; the halves of each head become pairs */
    int64_t first_row, step; /* the first row after grouping, and the distance to the next row */
    int64_t n_groups;        /* > 0: groups of q_rows rows of queries, head_rows rows of keys and head_rows rows of
                                values */
    int64_t q_rows, head_rows;
} hf_recipe;

/* Fills r for its sources. False: they do not fit each other or the configuration; the error is in k. */
bool hf_recipe_init(hf_recipe *r, hf_keys *k, const hf_source *sources, int32_t n_sources);

/* The shape of the result, fastest first. */
int32_t hf_recipe_dims(const hf_recipe *r, int64_t dims[TENSOR_MAX_DIMS]);

/* The result if it is in a file unchanged; NULL: it must be made. */
const void *hf_recipe_data(const hf_recipe *r);

/* Makes rows first .. first + n - 1 of the result, in the order of GGUF. From any thread. */
void hf_recipe_make(const hf_recipe *r, int64_t first, int64_t n, void *dst);

#endif
