/* avx2.h - what the files of this folder share: prototypes. vec.h has the vector operations. */
#ifndef SUMI_BACKEND_CPU_AVX2_AVX2_H
#define SUMI_BACKEND_CPU_AVX2_AVX2_H

#include "backend/cpu/avx2/vec.h"
#include "backend/cpu/kernels.h"

DECL_PACK_ROW(pack_row_avx2);
DECL_QUANTIZE_ROW(quantize_row_avx2);
DECL_DOT_F32(dot_f32_avx2);
#define DECL_PANELS_AVX2(name, TYPE) DECL_PANELS(panels_##name##_avx2);
FOR_EACH_PANEL_TYPE(DECL_PANELS_AVX2)
DECL_PANELS_F32(panels_f32_avx2);
DECL_PANELS_F32(panels_f16_avx2);
DECL_PANELS_F32(panels_bf16_avx2);
DECL_RMSNORM_ROW(rmsnorm_row_avx2);
DECL_LAYERNORM_ROW(layernorm_row_avx2);
DECL_GLU_ROW(glu_row_avx2);
DECL_SCALE_ROW(scale_row_avx2);
DECL_ROPE_HEAD(rope_head_avx2);
DECL_TO_F16(to_f16_avx2);
DECL_FROM_16(from_f16_avx2);
DECL_FROM_16(from_bf16_avx2);
DECL_ADD_ROW(add_row_avx2);
DECL_ATTENTION_TILE(attention_tile_avx2);
DECL_ATTENTION_MERGE(attention_merge_avx2);

#endif
