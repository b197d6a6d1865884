/* quant.c - the table of number formats: the decoder and the encoder of each type. */
#include "quant/quant.h"

#include <assert.h>

#include "quant/codecs.h"

static const quant_traits table[DTYPE_MAX] = {
    [DTYPE_F32] = { decode_f32, encode_f32 },          [DTYPE_F16] = { decode_f16, encode_f16 },
    [DTYPE_BF16] = { decode_bf16, encode_bf16 },       [DTYPE_F64] = { decode_f64, encode_f64 },
    [DTYPE_Q4_0] = { decode_q4_0, encode_q4_0 },       [DTYPE_Q4_1] = { decode_q4_1, encode_q4_1 },
    [DTYPE_Q5_0] = { decode_q5_0, encode_q5_0 },       [DTYPE_Q5_1] = { decode_q5_1, encode_q5_1 },
    [DTYPE_Q8_0] = { decode_q8_0, encode_q8_0 },       [DTYPE_Q2_K] = { decode_q2_k, encode_q2_k },
    [DTYPE_Q3_K] = { decode_q3_k, encode_q3_k },       [DTYPE_Q4_K] = { decode_q4_k, encode_q4_k },
    [DTYPE_Q5_K] = { decode_q5_k, encode_q5_k },       [DTYPE_Q6_K] = { decode_q6_k, encode_q6_k },
    [DTYPE_IQ4_NL] = { decode_iq4_nl, encode_iq4_nl }, [DTYPE_IQ4_XS] = { decode_iq4_xs, NULL },
    [DTYPE_TQ1_0] = { decode_tq1_0, encode_tq1_0 },    [DTYPE_TQ2_0] = { decode_tq2_0, encode_tq2_0 },
    [DTYPE_MXFP4] = { decode_mxfp4, encode_mxfp4 },
};

const quant_traits *quant_find(dtype type)
{
    assert((unsigned)type < DTYPE_MAX && table[type].decode);
    return &table[type];
}
