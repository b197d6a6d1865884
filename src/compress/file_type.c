/* file_type.c - see file_type.h. */
#include "compress/file_type.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ends_with.h"

#define PLAIN(name, type, summary)                                                                 \
    {                                                                                              \
#type, name, DTYPE_##type, DTYPE_##type, DTYPE_##type, MORE_NOWHERE, DTYPE_##type, summary \
    }
#define SIMPLE(name, type, summary)                                                              \
    {                                                                                            \
#type, name, DTYPE_##type, DTYPE_Q6_K, DTYPE_##type, MORE_NOWHERE, DTYPE_##type, summary \
    }

/* A row is a paragraph. */
/* clang-format off */
static const file_type file_types[] = {
    PLAIN(0, F32, "32 bits: exact"),
    PLAIN(1, F16, "16 bits: exact for most models"),
    PLAIN(32, BF16, "16 bits: the type of most published weights"),
    PLAIN(7, Q8_0, "8.5 bits: almost no loss"),
    SIMPLE(18, Q6_K, "6.6 bits"),
    { "Q5_K_M", 17, DTYPE_Q5_K, DTYPE_Q6_K, DTYPE_Q6_K, MORE_THIRD, DTYPE_Q6_K, "5.7 bits" },
    { "Q5_K_S", 16, DTYPE_Q5_K, DTYPE_Q6_K, DTYPE_Q5_K, MORE_NOWHERE, DTYPE_Q5_K, "5.5 bits" },
    SIMPLE(9, Q5_1, "6 bits, blocks of 32"),
    SIMPLE(8, Q5_0, "5.5 bits, blocks of 32"),
    { "Q4_K_M", 15, DTYPE_Q4_K, DTYPE_Q6_K, DTYPE_Q6_K, MORE_THIRD, DTYPE_Q5_K, "4.8 bits: the usual choice" },
    { "Q4_K_S", 14, DTYPE_Q4_K, DTYPE_Q6_K, DTYPE_Q5_K, MORE_FIRST, DTYPE_Q4_K, "4.6 bits" },
    SIMPLE(3, Q4_1, "5 bits, blocks of 32"),
    SIMPLE(2, Q4_0, "4.5 bits, blocks of 32"),
    SIMPLE(25, IQ4_NL, "4.5 bits, levels that are not evenly spaced"),
    { "Q3_K_M", 12, DTYPE_Q3_K, DTYPE_Q6_K, DTYPE_Q4_K, MORE_EVERYWHERE, DTYPE_Q4_K, "3.9 bits: a clear loss" },
    { "Q3_K_S", 11, DTYPE_Q3_K, DTYPE_Q6_K, DTYPE_Q3_K, MORE_NOWHERE, DTYPE_Q3_K, "3.5 bits" },
    { "Q2_K", 10, DTYPE_Q2_K, DTYPE_Q6_K, DTYPE_Q3_K, MORE_EVERYWHERE, DTYPE_Q3_K, "2.9 bits: a great loss" },
    SIMPLE(37, TQ2_0, "2 bits, for models trained with weights of -1, 0, 1"),
    SIMPLE(36, TQ1_0, "1.7 bits, for the same models"),
};
/* clang-format on */

const file_type *file_type_at(int32_t i)
{
    return i >= 0 && (size_t)i < sizeof file_types / sizeof *file_types ? &file_types[i] : NULL;
}

const file_type *file_type_find(const char *name)
{
    for (size_t i = 0; i < sizeof file_types / sizeof *file_types; i++)
        if (!strcasecmp(file_types[i].name, name)) return &file_types[i];
    return NULL;
}

const file_type *file_type_of_number(int64_t number)
{
    for (size_t i = 0; i < sizeof file_types / sizeof *file_types; i++)
        if (file_types[i].number == number) return &file_types[i];
    return NULL;
}

/* ---- Names -------------------------------------------------------------------------------------------------- */

/* Whether the part of name after "blk.7." is stem, or stem followed by '.' or '_': "ffn_down_exps.weight". */
static bool is(const char *name, const char *stem)
{
    size_t n = strlen(stem);
    return !strncmp(name, stem, n) && (name[n] == '.' || name[n] == '_');
}

/* Tensors that are no matrices of products, or too sensitive: norms, biases, routers, positions. */
static bool stays_float(const source_tensor *t, const char *name)
{
    return t->n_dims < 2 || !ends_with(name, ".weight") || ends_with(name, "norm.weight") || is(name, "ffn_gate_inp") ||
           is(name, "position_embd") || is(name, "token_types") || is(name, "rope_factors") || is(name, "rope_freqs");
}

const char *file_type_name(const model_source *src)
{
    int64_t number, n[DTYPE_MAX] = { 0 };
    const file_type *told = model_source_get_i64(src, "general.file_type", &number) ? file_type_of_number(number)
                                                                                    : NULL;
    if (told) return told->name;
    int most = 0;
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) {
        const source_tensor *t = model_source_tensor_at(src, i);
        n[t->type->type] += t->n_elems;
    }
    for (int i = 1; i < DTYPE_MAX; i++)
        if (n[i] > n[most]) most = i;
    return n[most] > 0 ? dtype_gguf_name((uint32_t)most) : "";
}

static bool has_more(more_layers where, int64_t layer, int64_t n_layers)
{
    switch (where) {
    case MORE_NOWHERE: return false;
    case MORE_EVERYWHERE: return true;
    case MORE_FIRST: return layer < n_layers / 8;
    case MORE_THIRD: return layer < n_layers / 8 || layer >= 7 * n_layers / 8 || (layer - n_layers / 8) % 3 == 2;
    }
    return false;
}

/* The nearest type whose blocks divide rows of this length. */
static dtype that_fits(dtype type, int64_t n_cols)
{
    if (n_cols % dtype_find((uint32_t)type)->block_elems == 0) return type;
    switch (type) {
    case DTYPE_Q6_K: type = DTYPE_Q8_0; break;
    case DTYPE_Q5_K: type = DTYPE_Q5_1; break;
    case DTYPE_Q4_K: type = DTYPE_Q5_0; break;
    case DTYPE_Q3_K:
    case DTYPE_Q2_K:
    case DTYPE_TQ2_0:
    case DTYPE_TQ1_0: type = DTYPE_IQ4_NL; break;
    default: return DTYPE_F16;
    }
    return that_fits(type, n_cols);
}

static dtype wanted(const file_type *f, const char *name, int64_t layer, int64_t n_layers, bool tied)
{
    if (layer < 0) return is(name, "output") || (tied && is(name, "token_embd")) ? f->output : f->base;
    if (is(name, "attn_qkv")) return f->fused;
    bool sensitive = is(name, "attn_v") || is(name, "attn_kv_b") || is(name, "ffn_down");
    return sensitive && has_more(f->where, layer, n_layers) ? f->more : f->base;
}

static dtype type_before_fit(const file_type *f, const source_tensor *t, int64_t n_layers, bool tied)
{
    char full[256], *name = full;
    long layer = -1;
    size_t n = t->name.n < sizeof full - 1 ? t->name.n : sizeof full - 1;
    memcpy(full, t->name.data, n);
    full[n] = '\0';
    if (!strncmp(full, "blk.", 4)) {
        layer = strtol(full + 4, &name, 10);
        if (*name == '.') name++;
    }
    bool is_float = t->type->block_elems == 1;
    if (stays_float(t, name)) return is_float ? DTYPE_F32 : t->type->type;
    if (!f || t->type->type == DTYPE_MXFP4)
        return t->type->type; /* the model was trained in this type: another type gains nothing */
    return wanted(f, name, layer, n_layers, tied);
}

dtype file_type_of(const file_type *f, const source_tensor *t, int64_t n_layers, bool tied, dtype *want)
{
    dtype type = type_before_fit(f, t, n_layers, tied);
    if (want) *want = type;
    return that_fits(type, t->dims[0]); /* a type that is kept fits */
}
