/* file_type.h - which type each tensor of a file gets, under one name: "Q4_K_M".
 *
 * Some tensors tolerate less rounding than others. Names and choices follow llama.cpp for its well-known types
 * (llama-quant.cpp): the output matrix gets 6 bits; values and the down projection get more bits than other matrices in
 * some layers. Tensors that are not matrices of products stay float. docs/number-formats.md has the table. */
#ifndef SUMI_COMPRESS_FILE_TYPE_H
#define SUMI_COMPRESS_FILE_TYPE_H

#include "format/model_source.h"

typedef enum more_layers {
    MORE_NOWHERE,
    MORE_EVERYWHERE,
    MORE_FIRST, /* in the first eighth of the layers */
    MORE_THIRD, /* in the first and the last eighth of the layers, and in every third layer between */
} more_layers;

typedef struct file_type {
    const char *name;
    uint32_t number; /* general.file_type */
    dtype base;
    dtype output;      /* of the output matrix, or of the embedding that is one */
    dtype more;        /* of values and down projections in some layers */
    more_layers where; /* which */
    dtype fused;       /* of queries, keys and values in one tensor */
    const char *summary;
} file_type;

/* NULL: no such name. Case does not matter. */
const file_type *file_type_find(const char *name);
const file_type *file_type_of_number(int64_t number); /* NULL: no such number */
const file_type *file_type_at(int32_t i);             /* NULL behind the last */

/* The file type of src: general.file_type, else the type of most of its elements: "Q4_K_M", "F32"; "" without tensors. */
const char *file_type_name(const model_source *src);

/* The type of tensor t of src. tied: the embedding is the output matrix. f NULL: matrices keep their type. *want (may be
 * NULL): the type before the fallback for rows that its blocks do not fit. */
dtype file_type_of(const file_type *f, const source_tensor *t, int64_t n_layers, bool tied, dtype *want);

#endif
