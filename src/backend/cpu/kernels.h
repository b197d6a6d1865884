/* kernels.h - the inner loops of the CPU backend, one table for each level of the instruction set.
 *
 * ref/ fills the whole table in plain C and is the definition; avx2/ and avx512/ replace entries. Each kernel works on
 * one row (or one head), has no state and touches no memory but its arguments, so a row's value cannot depend on what
 * else is computed. Sums run in an order that is fixed for a kernel and a row length.
 *
 * No argument overlaps another unless said. Rows need no alignment. */
#ifndef SUMI_BACKEND_CPU_KERNELS_H
#define SUMI_BACKEND_CPU_KERNELS_H

#include <stdint.h>

#include "backend/backend.h"
#include "base/cpu.h"

#define ACT_GROUP 32 /* int8 activations share a scale in groups of this many */

/* A quantised row: x[i] ~ d[i / 32] * q[i].   s[g] = d[g] * (sum of q in group g), for types with minima. */
typedef struct q8_row {
    const int8_t *q;
    const float *d, *s;
} q8_row;

#define ATTN_MAX_GROUP 16 /* query heads in one call of attention_row */

/* One token and one KV head of attention, for n_group <= ATTN_MAX_GROUP query heads that share the KV head.
 *   blocks: base of the layer; a block is block_elems f16 long, K of this head at k_offset, V at v_offset. */
typedef struct attention_row_args {
    const float *q; /* [n_group][head_dim] */
    float *out;     /* [n_group][head_dim] */
    int32_t n_group, head_dim;
    const uint16_t *blocks;
    size_t block_elems, k_offset, v_offset;
    const int32_t *table;
    int32_t first, last; /* positions first..last are seen */
    float scale;
} attention_row_args;

/* d = max|x| / 127 in each group, q = round-half-even(x / d); n is a multiple of 32. Same bits at every level. */
#define DECL_QUANTIZE_ROW(name) void name(int8_t *q, float *d, float *s, const float *x, int32_t n)
/* sum a[i] b[i] */
#define DECL_DOT_F32(name) float name(const float *a, const float *b, int32_t n)
/* sum w[i] x[i]; w: n elements of one block type, x: the quantised row; n is a multiple of the type's block. */
#define DECL_DOT_Q8(name) float name(const void *w, const q8_row *x, int32_t n)
/* y[i] = x[i] / sqrt(mean(x^2) + eps) * w[i] (Zhang & Sennrich 2019); y == x is allowed. */
#define DECL_RMSNORM_ROW(name) void name(float *y, const float *x, const float *w, int32_t n, float eps)
/* y[i] = f(gate[i]) * up[i]; y may be gate or up. */
#define DECL_GLU_ROW(name) void name(float *y, const float *gate, const float *up, int32_t n, glu_kind kind)
/* Rotates one head x in place; cos_sin [n_rot/2][2]. */
#define DECL_ROPE_HEAD(name) void name(float *x, const float *cos_sin, int32_t n_rot, rope_pairing pairing)
/* float32 to f16, round to nearest even. */
#define DECL_TO_F16(name) void name(uint16_t *y, const float *x, int32_t n)
#define DECL_ATTENTION_ROW(name) void name(const attention_row_args *a)

typedef struct kernels {
    cpu_level level;
    DECL_QUANTIZE_ROW((*quantize_row));
    DECL_DOT_F32((*dot_f32));
    DECL_DOT_Q8((*dot_q8[DTYPE_MAX])); /* by type; NULL for F32, F16, BF16, F64: their product reads ACT_F32 */
    DECL_RMSNORM_ROW((*rmsnorm_row));
    DECL_GLU_ROW((*glu_row));
    DECL_ROPE_HEAD((*rope_head));
    DECL_TO_F16((*to_f16));
    DECL_ATTENTION_ROW((*attention_row));
} kernels;

/* Fills the table for a level that the machine must have. */
void kernels_init(kernels *k, cpu_level level);

/* Each folder's part: ref fills everything, the others replace what they do better. */
void kernels_init_ref(kernels *k);
void kernels_init_avx2(kernels *k);
void kernels_init_avx512(kernels *k);

#endif
