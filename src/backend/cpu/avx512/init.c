/* init.c - what AVX-512 replaces; rotation and conversion stay those of AVX2, which memory bounds already. */
#include "backend/cpu/avx512/avx512.h"

void kernels_init_avx512(kernels *k)
{
    k->quantize_row = quantize_row_avx512;
    k->dot_f32 = dot_f32_avx512;
    k->dot_q8 = NULL;
    k->panel_rows = 16;
#define SET_PANELS(name, TYPE) k->panels[DTYPE_##TYPE] = panels_##name##_avx512;
    FOR_EACH_PANEL_TYPE(SET_PANELS)
#undef SET_PANELS
    k->panels_f32[DTYPE_F32] = k->panels_f32[DTYPE_F64] = panels_f32_avx512;
    k->panels_f32[DTYPE_F16] = panels_f16_avx512;
    k->panels_f32[DTYPE_BF16] = panels_bf16_avx512;
    k->rmsnorm_row = rmsnorm_row_avx512;
    k->layernorm_row = layernorm_row_avx512;
    k->glu_row = glu_row_avx512;
    k->scale_row = scale_row_avx512;
    k->attention_tile = attention_tile_avx512;
    k->attention_merge = attention_merge_avx512;
}
