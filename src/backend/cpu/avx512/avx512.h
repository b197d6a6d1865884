/* avx512.h - what the files of this folder share: prototypes. vec.h has the vector operations. */
#ifndef SUMI_BACKEND_CPU_AVX512_AVX512_H
#define SUMI_BACKEND_CPU_AVX512_AVX512_H

#include "backend/cpu/avx512/vec.h"
#include "backend/cpu/kernels.h"

DECL_QUANTIZE_ROW(quantize_row_avx512);
DECL_DOT_F32(dot_f32_avx512);
#define DECL_PANELS_AVX512(name, TYPE) DECL_PANELS(panels_##name##_avx512);
FOR_EACH_PANEL_TYPE(DECL_PANELS_AVX512)
DECL_PANELS_F32(panels_f32_avx512);
DECL_PANELS_F32(panels_f16_avx512);
DECL_PANELS_F32(panels_bf16_avx512);
DECL_RMSNORM_ROW(rmsnorm_row_avx512);
DECL_LAYERNORM_ROW(layernorm_row_avx512);
DECL_GLU_ROW(glu_row_avx512);
DECL_SCALE_ROW(scale_row_avx512);
DECL_ATTENTION_TILE(attention_tile_avx512);
DECL_ATTENTION_MERGE(attention_merge_avx512);
DECL_ATTENTION_MERGE(attention_merge_avx2); /* and the same below: */
DECL_ATTENTION_TILE(attention_tile_avx2);   /* for shapes that this level leaves to the one below */

#endif
