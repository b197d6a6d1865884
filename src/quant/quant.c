/* quant.c - the table of number formats: who decodes and who encodes each type. */
#include "quant/quant.h"

#include <assert.h>

#include "quant/codecs.h"

static const quant_traits table[DTYPE_MAX] = {
    [DTYPE_F32] = { decode_f32, NULL },       [DTYPE_F16] = { decode_f16, NULL },
    [DTYPE_BF16] = { decode_bf16, NULL },     [DTYPE_F64] = { decode_f64, NULL },
    [DTYPE_Q4_0] = { decode_q4_0, NULL },     [DTYPE_Q4_1] = { decode_q4_1, NULL },
    [DTYPE_Q5_0] = { decode_q5_0, NULL },     [DTYPE_Q5_1] = { decode_q5_1, NULL },
    [DTYPE_Q8_0] = { decode_q8_0, NULL },     [DTYPE_Q2_K] = { decode_q2_k, NULL },
    [DTYPE_Q3_K] = { decode_q3_k, NULL },     [DTYPE_Q4_K] = { decode_q4_k, NULL },
    [DTYPE_Q5_K] = { decode_q5_k, NULL },     [DTYPE_Q6_K] = { decode_q6_k, NULL },
    [DTYPE_IQ4_NL] = { decode_iq4_nl, NULL }, [DTYPE_IQ4_XS] = { decode_iq4_xs, NULL },
    [DTYPE_TQ1_0] = { decode_tq1_0, NULL },   [DTYPE_TQ2_0] = { decode_tq2_0, NULL },
    [DTYPE_MXFP4] = { decode_mxfp4, NULL },
};

const quant_traits *quant_find(dtype type)
{
    assert((unsigned)type < DTYPE_MAX && table[type].decode);
    return &table[type];
}
