/* dtype.c - see dtype.h. */
#include "format/dtype.h"

#include <assert.h>

static const dtype_info known[DTYPE_MAX] = {
#define DTYPE_ROW(name, number, elems, bytes) [number] = { #name, DTYPE_##name, elems, bytes },
    DTYPE_LIST(DTYPE_ROW)
#undef DTYPE_ROW
};

const dtype_info *dtype_find(uint32_t number)
{
    return number < DTYPE_MAX && known[number].name ? &known[number] : NULL;
}

const char *dtype_gguf_name(uint32_t number)
{
    /* Known by name only. 4, 5 and those with two suffixes are no longer written, but old files hold them. */
    static const char *const others[] = {
        [4] = "Q4_2",        [5] = "Q4_3",      [9] = "Q8_1",      [15] = "Q8_K",       [16] = "IQ2_XXS",
        [17] = "IQ2_XS",     [18] = "IQ3_XXS",  [19] = "IQ1_S",    [21] = "IQ3_S",      [22] = "IQ2_S",
        [24] = "I8",         [25] = "I16",      [26] = "I32",      [27] = "I64",        [29] = "IQ1_M",
        [31] = "Q4_0_4_4",   [32] = "Q4_0_4_8", [33] = "Q4_0_8_8", [36] = "IQ4_NL_4_4", [37] = "IQ4_NL_4_8",
        [38] = "IQ4_NL_8_8", [40] = "NVFP4",    [41] = "Q1_0",
    };
    if (number < DTYPE_MAX && known[number].name) return known[number].name;
    return number < sizeof others / sizeof *others ? others[number] : NULL;
}

size_t dtype_row_bytes(dtype type, int64_t n_elems)
{
    const dtype_info *t = dtype_find((uint32_t)type);
    assert(t && n_elems % t->block_elems == 0);
    return (size_t)(n_elems / t->block_elems) * (size_t)t->block_bytes;
}
