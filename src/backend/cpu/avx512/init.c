/* init.c - what AVX-512 replaces; rotation and conversion stay those of AVX2, which memory bounds already. */
#include "backend/cpu/avx512/avx512.h"

void kernels_init_avx512(kernels *k)
{
    k->quantize_row = quantize_row_avx512;
    k->dot_f32 = dot_f32_avx512;
    k->dot_q8 = NULL;
    k->panel_rows = 16;
    k->panels[DTYPE_Q4_0] = panels_q4_0_avx512;
    k->panels[DTYPE_Q4_1] = panels_q4_1_avx512;
    k->panels[DTYPE_Q5_0] = panels_q5_0_avx512;
    k->panels[DTYPE_Q5_1] = panels_q5_1_avx512;
    k->panels[DTYPE_Q8_0] = panels_q8_0_avx512;
    k->panels[DTYPE_Q4_K] = panels_q4_k_avx512;
    k->panels[DTYPE_Q5_K] = panels_q5_k_avx512;
    k->panels[DTYPE_Q6_K] = panels_q6_k_avx512;
    k->panels[DTYPE_Q2_K] = panels_q2_k_avx512;
    k->panels[DTYPE_Q3_K] = panels_q3_k_avx512;
    k->panels[DTYPE_IQ4_NL] = panels_iq4_nl_avx512;
    k->panels[DTYPE_IQ4_XS] = panels_iq4_xs_avx512;
    k->panels[DTYPE_TQ1_0] = panels_tq1_0_avx512;
    k->panels[DTYPE_TQ2_0] = panels_tq2_0_avx512;
    k->panels[DTYPE_MXFP4] = panels_mxfp4_avx512;
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
