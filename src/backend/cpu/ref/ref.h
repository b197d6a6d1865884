/* ref.h - the reference kernels: the definition of each operation, slow and obvious. */
#ifndef SUMI_BACKEND_CPU_REF_REF_H
#define SUMI_BACKEND_CPU_REF_REF_H

#include <math.h>

#include "backend/cpu/kernels.h"

/* C libraries differ in the last bits of tanhf() and erfcf(), between processors and versions. Those of the functions in
 * double are rounded away, so ref has the same bits on every machine. expf(), logf(), sinf() and cosf() compute in double
 * themselves. */
static inline float ref_tanh(float x)
{
    return (float)tanh((double)x);
}

DECL_PACK_ROW(pack_row_ref);
DECL_QUANTIZE_ROW(quantize_row_ref);
DECL_DOT_F32(dot_f32_ref);
DECL_DOT_Q8(dot_q8_ref);
DECL_RMSNORM_ROW(rmsnorm_row_ref);
DECL_LAYERNORM_ROW(layernorm_row_ref);
DECL_GLU_ROW(glu_row_ref);
DECL_SCALE_ROW(scale_row_ref);
DECL_ROPE_HEAD(rope_head_ref);
DECL_TO_F16(to_f16_ref);
DECL_FROM_16(from_f16_ref);
DECL_FROM_16(from_bf16_ref);
DECL_ADD_ROW(add_row_ref);
DECL_ATTENTION_TILE(attention_tile_ref);
DECL_ATTENTION_MERGE(attention_merge_ref);

#endif
