/* init.c - the table of the reference level. */
#include "backend/cpu/ref/ref.h"

void kernels_init_ref(kernels *k)
{
    k->pack_row = pack_row_ref;
    k->quantize_row = quantize_row_ref;
    k->dot_f32 = dot_f32_ref;
    k->rmsnorm_row = rmsnorm_row_ref;
    k->layernorm_row = layernorm_row_ref;
    k->glu_row = glu_row_ref;
    k->scale_row = scale_row_ref;
    k->rope_head = rope_head_ref;
    k->to_f16 = to_f16_ref;
    k->from_f16 = from_f16_ref;
    k->from_bf16 = from_bf16_ref;
    k->add_row = add_row_ref;
    k->attention_tile = attention_tile_ref;
    k->attention_merge = attention_merge_ref;
    k->dot_q8 = dot_q8_ref;
}
