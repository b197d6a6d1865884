/* init.c - what AVX2 replaces. */
#include "backend/cpu/avx2/avx2.h"

void kernels_init_avx2(kernels *k)
{
    k->pack_row = pack_row_avx2;
    k->quantize_row = quantize_row_avx2;
    k->dot_f32 = dot_f32_avx2;
    k->dot_q8 = NULL;
    k->panel_rows = 8;
    k->panels[DTYPE_Q4_0] = panels_q4_0_avx2;
    k->panels[DTYPE_Q4_1] = panels_q4_1_avx2;
    k->panels[DTYPE_Q5_0] = panels_q5_0_avx2;
    k->panels[DTYPE_Q5_1] = panels_q5_1_avx2;
    k->panels[DTYPE_Q8_0] = panels_q8_0_avx2;
    k->panels[DTYPE_Q4_K] = panels_q4_k_avx2;
    k->panels[DTYPE_Q5_K] = panels_q5_k_avx2;
    k->panels[DTYPE_Q6_K] = panels_q6_k_avx2;
    k->panels[DTYPE_Q2_K] = panels_q2_k_avx2;
    k->panels[DTYPE_Q3_K] = panels_q3_k_avx2;
    k->panels[DTYPE_IQ4_NL] = panels_iq4_nl_avx2;
    k->panels[DTYPE_IQ4_XS] = panels_iq4_xs_avx2;
    k->panels[DTYPE_TQ1_0] = panels_tq1_0_avx2;
    k->panels[DTYPE_TQ2_0] = panels_tq2_0_avx2;
    k->panels[DTYPE_MXFP4] = panels_mxfp4_avx2;
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
