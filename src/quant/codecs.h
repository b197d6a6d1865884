/* codecs.h - decoders and encoders by name, for the table in quant.c. All other files use quant.h, which has the
 * contract. */
#ifndef SUMI_QUANT_CODECS_H
#define SUMI_QUANT_CODECS_H

#include <stdint.h>

#define DECLARE_DECODE(name) void decode_##name(const void *src, float *dst, int64_t n)
#define DECLARE_ENCODE(name) void encode_##name(const float *src, void *dst, int64_t n)
#define DECLARE_CODEC(name) \
    DECLARE_DECODE(name);   \
    DECLARE_ENCODE(name)

DECLARE_CODEC(f32); /* floats.c */
DECLARE_CODEC(f16);
DECLARE_CODEC(bf16);
DECLARE_CODEC(f64);
DECLARE_CODEC(q4_0); /* simple.c */
DECLARE_CODEC(q4_1);
DECLARE_CODEC(q5_0);
DECLARE_CODEC(q5_1);
DECLARE_CODEC(q8_0);
DECLARE_CODEC(q2_k); /* kquants.c, kquants_encode.c */
DECLARE_CODEC(q3_k);
DECLARE_CODEC(q4_k);
DECLARE_CODEC(q5_k);
DECLARE_CODEC(q6_k);
DECLARE_CODEC(iq4_nl); /* nonlinear.c */
DECLARE_DECODE(iq4_xs);
DECLARE_CODEC(mxfp4);
DECLARE_CODEC(tq1_0); /* ternary.c */
DECLARE_CODEC(tq2_0);

#endif
