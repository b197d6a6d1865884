/* file_type.h - which type each tensor of a file gets, under one name: "Q4_K_M".
 *
 * Not all tensors bear the same rounding. Names and choices are those of llama.cpp where people know them (its
 * llama-quant.cpp): the output matrix gets 6 bits, values and the down projection more than the others in some layers.
 * What is no matrix of a product stays float. docs/number-formats.md has the table. */
#ifndef SUMI_CONVERT_FILE_TYPE_H
#define SUMI_CONVERT_FILE_TYPE_H

#include "format/gguf.h"

typedef enum more_layers {
    MORE_NOWHERE,
    MORE_EVERYWHERE,
    MORE_FIRST, /* in the first eighth of the layers */
    MORE_THIRD, /* in the first and the last eighth, and in every third between */
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
const file_type *file_type_at(int32_t i); /* NULL behind the last */

/* What g calls itself, general.file_type, else the type of most of its numbers: "Q4_K_M", "F32"; "" without tensors. */
const char *file_type_name(const gguf *g);

/* The type of tensor t of g. tied: the embedding is the output matrix. f NULL: matrices keep their type. *want: the type that
 * it would have if its rows could be cut into that type's blocks; NULL: not asked. */
dtype file_type_of(const file_type *f, const gguf_tensor *t, int64_t n_layers, bool tied, dtype *want);

#endif
