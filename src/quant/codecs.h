/* codecs.h - decoders and encoders by name, for the table in quant.c. Others use quant.h, where the contract stands. */
#ifndef SUMI_QUANT_CODECS_H
#define SUMI_QUANT_CODECS_H

#include <stdint.h>

#define DECLARE_DECODE(name) void decode_##name(const void *src, float *dst, int64_t n)
#define DECLARE_ENCODE(name) void encode_##name(const float *src, void *dst, int64_t n)

DECLARE_DECODE(f32); /* floats.c */
DECLARE_DECODE(f16);
DECLARE_DECODE(bf16);
DECLARE_DECODE(f64);
DECLARE_DECODE(q4_0); /* simple.c */
DECLARE_DECODE(q4_1);
DECLARE_DECODE(q5_0);
DECLARE_DECODE(q5_1);
DECLARE_DECODE(q8_0);
DECLARE_DECODE(q2_k); /* kquants.c */
DECLARE_DECODE(q3_k);
DECLARE_DECODE(q4_k);
DECLARE_DECODE(q5_k);
DECLARE_DECODE(q6_k);
DECLARE_DECODE(iq4_nl); /* nonlinear.c */
DECLARE_DECODE(iq4_xs);
DECLARE_DECODE(mxfp4);
DECLARE_DECODE(tq1_0); /* ternary.c */
DECLARE_DECODE(tq2_0);

#endif
