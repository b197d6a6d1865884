/* linear.c - matrix products with AVX-512 VNNI on packed panels of 16 rows.
 *
 * dpbusd multiplies 64 unsigned by 64 signed bytes and adds quadruples to sixteen 32-bit sums: 16 rows times 4 columns
 * of one token, whose 4 bytes are broadcast. A block of 32 columns is unpacked into eight registers once and multiplied
 * with up to 16 tokens; each token's float sum stays in a register over all columns:
 *
 *   registers:   8 of weights q | d | m | sum of token 0 ... sum of token 15 | temporaries
 *   for each token:   isum = 8 x dpbusd;   sum += isum * (d * dx) + m * s         and again for a second digit, if any
 *
 * The arithmetic of one output (product.h) does not depend on the number of tokens. */
#include "backend/cpu/avx512/product.h"
#include "backend/cpu/panel_loop.h"
#include "backend/cpu/passes/dot.h"

DECL_DOT_F32(dot_f32_avx512)
{
    return dot_f32(a, b, n);
}

/* One panel times n rows of a tile of `lanes`; n is a constant where this is inlined, n_tokens <= n of them are stored. */
static inline __attribute__((always_inline)) void panel_times(const panels_args *a, int32_t panel, dtype type, int n,
                                                              int lanes)
{
    const bool halves = pack_has_halves(type);
    const size_t payload_step = VECTOR * (size_t)pack_bits(type);
    const uint8_t *payload = a->payload + (size_t)panel * a->payload_bytes;
    const uint8_t *header = a->header + (size_t)panel * a->header_bytes;
    q8_digit x = a->x.first, left = a->x.left;
    const uint8_t *more = a->x.more;
    x.lanes = left.lanes = lanes;
    __m512 sum[ACT_TILE];
#pragma GCC unroll 16
    for (int t = 0; t < n; t++) sum[t] = _mm512_setzero_ps();
    for (int32_t g = 0; g < a->n_groups; g++) {
        block b;
        load_block(&b, type, payload, header, g);
        for (size_t i = 0; i < payload_step; i += 64) _mm_prefetch((const char *)payload + AHEAD + i, _MM_HINT_T0);
#pragma GCC unroll 16
        for (int t = 0; t < n; t++) sum[t] = multiply(&b, halves, sum[t], &x, t);
        if (any_of(more, (size_t)n)) {
#pragma GCC unroll 16
            for (int t = 0; t < n; t++)
                if (more[t]) sum[t] = multiply(&b, halves, sum[t], &left, t);
        }
        payload += payload_step;
        x = q8_digit_at(&x, 1);
        left = q8_digit_at(&left, 1);
        more += lanes;
    }
#pragma GCC unroll 16
    for (int t = 0; t < n; t++)
        if (t < a->n_tokens) store(a, panel, t, sum[t]);
}

/* The sums lie in registers, so the number of rows must be a constant: it is rounded up to the next size, as the tile has
 * these rows. */
static inline __attribute__((always_inline)) void rows_times(const panels_args *a, int32_t panel, dtype type)
{
    const int32_t n = a->n_tokens, lanes = a->x.first.lanes;
    if (lanes == 1) panel_times(a, panel, type, 1, 1);
    else if (n <= 2) panel_times(a, panel, type, 2, lanes);
    else if (n <= 4) panel_times(a, panel, type, 4, lanes);
    else if (n <= 8) panel_times(a, panel, type, 8, ACT_TILE);
    else panel_times(a, panel, type, ACT_TILE, ACT_TILE);
}

#define DEFINE(name, TYPE) DEFINE_PANELS(name, avx512, DTYPE_##TYPE)
FOR_EACH_PANEL_TYPE(DEFINE)
