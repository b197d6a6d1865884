/* linear.c - matrix products with dpbusd on 32 bytes, on the packed panels of AVX2.
 *
 * dpbusd multiplies four unsigned by four signed bytes and adds the products to 32 bits, exactly: no sums of 16 bits to
 * widen, and bytes up to 255, so that every type has unsigned weights and a zero point. */
#include "backend/cpu/avx2/product.h"

/* Two chains: one of eight waits for itself. */
static inline __attribute__((always_inline)) __m256i dot_block(const block *b, dtype type, const int8_t *x, int from,
                                                               int to)
{
    __m256i even = _mm256_setzero_si256(), odd = even;
    (void)type;
#pragma GCC unroll 4
    for (int j = from; j < to; j += 2) {
        even = _mm256_dpbusd_avx_epi32(even, b->q[j], broadcast4(x + 4 * j));
        odd = _mm256_dpbusd_avx_epi32(odd, b->q[j + 1], broadcast4(x + 4 * j + 4));
    }
    return _mm256_add_epi32(even, odd);
}

#define DEFINE(name, TYPE) static DEFINE_PANELS(name, avxvnni, DTYPE_##TYPE)
FOR_EACH_PANEL_TYPE(DEFINE)

void kernels_init_avxvnni(kernels *k)
{
#define SET_PANELS(name, TYPE) k->panels[DTYPE_##TYPE] = panels_##name##_avxvnni;
    FOR_EACH_PANEL_TYPE(SET_PANELS)
#undef SET_PANELS
}
