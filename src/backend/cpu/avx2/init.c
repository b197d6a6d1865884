/* init.c - what AVX2 replaces. */
#include "backend/cpu/avx2/avx2.h"

void kernels_init_avx2(kernels *k)
{
    k->pack_row = pack_row_avx2;
    k->quantize_row = quantize_row_avx2;
    k->dot_f32 = dot_f32_avx2;
    k->dot_q8 = NULL;
    k->panel_rows = 8;
#define SET_PANELS(name, TYPE) k->panels[DTYPE_##TYPE] = panels_##name##_avx2;
    FOR_EACH_PANEL_TYPE(SET_PANELS)
#undef SET_PANELS
    k->panels_f32[DTYPE_F32] = k->panels_f32[DTYPE_F64] = panels_f32_avx2;
    k->panels_f32[DTYPE_F16] = panels_f16_avx2;
    k->panels_f32[DTYPE_BF16] = panels_bf16_avx2;
    k->rmsnorm_row = rmsnorm_row_avx2;
    k->layernorm_row = layernorm_row_avx2;
    k->glu_row = glu_row_avx2;
    k->scale_row = scale_row_avx2;
    k->rope_head = rope_head_avx2;
    k->to_f16 = to_f16_avx2;
    k->from_f16 = from_f16_avx2;
    k->from_bf16 = from_bf16_avx2;
    k->add_row = add_row_avx2;
    k->attention_tile = attention_tile_avx2;
    k->attention_merge = attention_merge_avx2;
}
