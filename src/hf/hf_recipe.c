/* hf_recipe.c - see hf_recipe.h. */
#include "hf/hf_recipe.h"

#include <string.h>

#include "base/ends_with.h"
#include "base/fp16.h"

static const char *name_of(const hf_source *s)
{
    return s->tensor ? s->tensor->name : s->name;
}

static const dtype_info *type_of(const hf_source *s)
{
    if (s->scales) return s->tensor->type == ST_U8 ? dtype_find(DTYPE_MXFP4) : NULL;
    return s->factors ? dtype_find(DTYPE_F32) : st_type_dtype(s->tensor->type);
}

/* ---- Shapes ------------------------------------------------------------------------------------------------- */

/* The matrices of a source: its last two dimensions. A vector is a column, and so are the biases of several experts. */
static void set_source(hf_recipe *r, const hf_keys *k)
{
    const hf_source *s = r->sources;
    const st_tensor *t = s->tensor;
    r->n_mats = r->src_cols = r->src_rows = 1;
    r->vector = s->factors || t->n_dims < 2 || ends_with(s->name, ".bias");
    if (s->factors) {
        r->src_rows = s->factors->n;
        return;
    }
    int32_t n = t->n_dims - (s->scales != NULL); /* the last one of blocks is their 16 bytes */
    if (!r->vector && n > 0) r->src_cols = t->dims[--n];
    if (n > 0) r->src_rows = t->dims[--n];
    while (n > 0) r->n_mats *= t->dims[--n];
    if (s->scales) r->src_cols *= 32;
    bool latent = s->order == HF_LATENT_K || s->order == HF_LATENT_V;
    if (latent && r->n_mats == 1 && r->src_rows % k->n_heads == 0) {
        r->n_mats = k->n_heads;
        r->src_rows /= k->n_heads;
    }
}

static void set_groups(hf_recipe *r, const hf_keys *k, hf_order order)
{
    int64_t groups = k->n_kv_heads, heads = k->n_heads / k->n_kv_heads, d = k->head_dim;
    r->n_groups = groups;
    r->q_rows = heads * d;
    r->head_rows = d;
    if (order == HF_GROUPS) return;
    r->pair_rows = k->family->traits & HF_PAIRS && order != HF_GROUPS_V ? d : 0;
    r->n_rows = order == HF_GROUPS_Q ? groups * r->q_rows : groups * d;
    if (order != HF_GROUPS_Q) r->first_row = groups * (r->q_rows + (order == HF_GROUPS_V ? d : 0));
}

static void set_latent(hf_recipe *r, const hf_keys *k, hf_order order)
{
    if (order == HF_LATENT_V) {
        r->first_row = k->latent_key_rows;
        r->n_rows = r->src_rows - k->latent_key_rows;
        return;
    }
    r->transposed = true;
    r->n_rows = r->src_cols;
    r->n_cols = k->latent_key_rows;
}

static void set_order(hf_recipe *r, const hf_keys *k, hf_order order)
{
    bool second = order == HF_SECOND_HALF || order == HF_ODD || order == HF_MXFP4_ODD;
    switch (order) {
    case HF_ROPE_Q:
    case HF_ROPE_K:
        if (k->family->traits & HF_PAIRS)
            r->pair_rows = r->src_rows / (order == HF_ROPE_Q ? k->n_heads : k->n_kv_heads);
        return;
    case HF_GROUPS:
    case HF_GROUPS_Q:
    case HF_GROUPS_K:
    case HF_GROUPS_V: set_groups(r, k, order); return;
    case HF_LATENT_K:
    case HF_LATENT_V: set_latent(r, k, order); return;
    case HF_FIRST_HALF:
    case HF_SECOND_HALF:
        r->n_rows /= 2;
        r->first_row = second ? r->n_rows : 0;
        return;
    case HF_EVEN:
    case HF_ODD:
    case HF_MXFP4_EVEN:
    case HF_MXFP4_ODD:
        r->n_rows /= 2;
        r->step = 2;
        r->first_row = second;
        return;
    case HF_SAME:
    case HF_MXFP4:
    case HF_TRANSPOSED: return;
    }
}

/* ---- Checks ------------------------------------------------------------------------------------------------- */

/* All sources of one tensor have the type and shape of the first, and are numbered without gaps. */
static bool check_sources(hf_keys *k, const hf_recipe *r)
{
    const hf_source *s = r->sources;
    bool blocks = s->order == HF_MXFP4 || s->order == HF_MXFP4_EVEN || s->order == HF_MXFP4_ODD;
    if (blocks && !s->scales) hf_fail(k, SUMI_EFORMAT, "tensor '%.100s' has no tensor of scales", name_of(s));
    else if (!type_of(s))
        hf_fail(k, SUMI_EUNSUPPORTED, "tensor '%.100s': type %s is not supported; F32, F16 and BF16 are", name_of(s),
                st_type_name(s->tensor->type));
    else if (s->index < 0 && r->n_sources > 1) hf_fail(k, SUMI_EFORMAT, "tensor '%.100s' occurs twice", name_of(s));
    for (int32_t i = 0; s->index >= 0 && i < r->n_sources; i++) {
        const st_tensor *t = s[i].tensor;
        bool same = t->type == s->tensor->type && t->n_dims == s->tensor->n_dims &&
                    !memcmp(t->dims, s->tensor->dims, sizeof t->dims);
        if (s[i].index != i || !same)
            hf_fail(k, SUMI_EFORMAT, "tensor '%.100s' has another type or shape than the tensors with lower numbers",
                    t->name);
    }
    return k->status == SUMI_OK;
}

/* Whether the order makes sense for matrices of this size: no row of the result is outside its source. */
static bool order_fits(const hf_recipe *r)
{
    int64_t rows = r->transposed ? r->src_cols : r->src_rows, cols = r->transposed ? r->src_rows : r->src_cols;
    if (r->n_rows < 1 || r->n_cols < 1 || r->n_cols > cols) return false;
    if (r->pair_rows && (r->pair_rows % 2 || r->n_rows % r->pair_rows)) return false;
    if (r->n_groups) return rows == r->n_groups * (r->q_rows + 2 * r->head_rows);
    return r->first_row + (r->n_rows - 1) * r->step < rows;
}

static bool fits(const hf_recipe *r)
{
    const st_tensor *t = r->sources->tensor, *scales = r->sources->scales;
    int32_t n_dims = 1 + !r->vector + (r->n_mats > 1) + (r->sources->index >= 0);
    if (n_dims > TENSOR_MAX_DIMS || (t && t->n_elems == 0) || !order_fits(r)) return false;
    if (!scales) return true; /* [..][rows][blocks][16] and [..][rows][blocks] */
    return scales->type == ST_U8 && t->n_dims >= 2 && t->dims[t->n_dims - 1] == 16 &&
           scales->n_elems == t->n_elems / 16;
}

bool hf_recipe_init(hf_recipe *r, hf_keys *k, const hf_source *sources, int32_t n_sources)
{
    *r = (hf_recipe){ .sources = sources, .n_sources = n_sources, .step = 1 };
    if (!check_sources(k, r)) return false;
    set_source(r, k);
    r->transposed = sources->order & HF_TRANSPOSED && !r->vector;
    r->n_rows = r->transposed ? r->src_cols : r->src_rows;
    r->n_cols = r->transposed ? r->src_rows : r->src_cols;
    set_order(r, k, (hf_order)((unsigned)sources->order & ~(unsigned)HF_TRANSPOSED));
    r->plus_1 = k->family->traits & HF_NORM_PLUS_1 && ends_with(sources->name, "norm.weight");
    r->type = type_of(sources)->type;
    r->out_type = r->plus_1 ? DTYPE_F32 : r->type;
    if (fits(r)) return true;
    hf_fail(k, SUMI_EFORMAT, "tensor '%.100s' has a shape that does not fit the configuration", name_of(sources));
    return false;
}

int32_t hf_recipe_dims(const hf_recipe *r, int64_t dims[TENSOR_MAX_DIMS])
{
    int32_t n = 0;
    if (!r->vector) dims[n++] = r->n_cols;
    dims[n++] = r->n_rows;
    if (r->n_mats > 1) dims[n++] = r->n_mats;
    if (r->sources->index >= 0) dims[n++] = r->n_sources;
    return n;
}

const void *hf_recipe_data(const hf_recipe *r)
{
    const hf_source *s = r->sources;
    const void *data = s->factors ? s->factors->values : s->tensor->data;
    bool whole = r->n_rows == r->src_rows && r->n_cols == r->src_cols && !r->pair_rows && !r->n_groups;
    bool aligned = (uintptr_t)data % (size_t)type_of(s)->block_bytes == 0;
    return r->n_sources == 1 && whole && !r->transposed && !r->plus_1 && !s->scales && aligned ? data : NULL;
}

/* ---- Making rows -------------------------------------------------------------------------------------------- */

/* The row of a source (its column, if it is transposed) that becomes row i of the result. */
static int64_t source_row(const hf_recipe *r, int64_t i)
{
    if (r->pair_rows) {
        int64_t head = i / r->pair_rows, in_head = i % r->pair_rows;
        i = head * r->pair_rows + in_head % 2 * (r->pair_rows / 2) + in_head / 2;
    }
    i = r->first_row + i * r->step;
    if (!r->n_groups) return i;
    int64_t group_rows = r->q_rows + 2 * r->head_rows, n_q = r->n_groups * r->q_rows;
    if (i < n_q) return i / r->q_rows * group_rows + i % r->q_rows;
    i -= n_q;
    int64_t part = i / (r->n_groups * r->head_rows); /* 0: keys, 1: values */
    i %= r->n_groups * r->head_rows;
    return i / r->head_rows * group_rows + r->q_rows + part * r->head_rows + i % r->head_rows;
}

static float to_float(dtype type, const uint8_t *p)
{
    uint16_t half;
    float f;
    double d;
    if (type == DTYPE_F64) return memcpy(&d, p, sizeof d), (float)d;
    if (type == DTYPE_F32) return memcpy(&f, p, sizeof f), f;
    memcpy(&half, p, sizeof half);
    return type == DTYPE_BF16 ? bf16_to_f32(half) : fp16_to_f32(half);
}

/* n elements, `stride` bytes apart, to dst without gaps. */
static void copy_elements(const hf_recipe *r, const uint8_t *src, size_t stride, int64_t n, uint8_t *dst)
{
    size_t bytes = (size_t)dtype_find((uint32_t)r->type)->block_bytes;
    if (!r->plus_1 && stride == bytes) {
        memcpy(dst, src, (size_t)n * bytes);
        return;
    }
    for (int64_t i = 0; i < n; i++, src += stride) {
        float f = r->plus_1 ? 1 + to_float(r->type, src) : 0;
        size_t n_out = r->plus_1 ? sizeof f : bytes;
        memcpy(dst, r->plus_1 ? (const uint8_t *)&f : src, n_out);
        dst += n_out;
    }
}

/* A row of MXFP4. A block is a byte of scale, then elements i and i + 16 in byte i; in the source, neighbours share a
 * byte. */
static void copy_blocks(const uint8_t *blocks, const uint8_t *scales, int64_t n_cols, uint8_t *dst)
{
    for (int64_t b = 0; b < n_cols / 32; b++, blocks += 16) {
        *dst++ = scales[b];
        for (int i = 0; i < 16; i++) {
            int shift = 4 * (i % 2), low = blocks[i / 2] >> shift & 15, high = blocks[8 + i / 2] >> shift & 15;
            *dst++ = (uint8_t)(low | high << 4);
        }
    }
}

/* Row i, counted through all matrices; a vector's elements are rows here. */
static void make_row(const hf_recipe *r, int64_t i, uint8_t *dst)
{
    size_t matrix = (size_t)(i / r->n_rows), row = (size_t)source_row(r, i % r->n_rows);
    const hf_source *s = &r->sources[matrix / (size_t)r->n_mats];
    const uint8_t *src = s->tensor ? s->tensor->data : (const uint8_t *)s->factors->values;
    matrix %= (size_t)r->n_mats;
    if (s->scales) {
        size_t block = (matrix * (size_t)r->src_rows + row) * (size_t)(r->src_cols / 32);
        copy_blocks(src + 16 * block, (const uint8_t *)s->scales->data + block, r->n_cols, dst);
        return;
    }
    size_t bytes = (size_t)dtype_find((uint32_t)r->type)->block_bytes, src_row = (size_t)r->src_cols * bytes;
    src += matrix * (size_t)r->src_rows * src_row + row * (r->transposed ? bytes : src_row);
    copy_elements(r, src, r->transposed ? src_row : bytes, r->n_cols, dst);
}

void hf_recipe_make(const hf_recipe *r, int64_t first, int64_t n, void *dst)
{
    int64_t rows = r->vector ? r->n_rows : 1; /* GGUF has a vector as one row */
    size_t row_bytes = dtype_row_bytes(r->out_type, r->n_cols);
    for (int64_t i = 0; i < n * rows; i++) make_row(r, first * rows + i, (uint8_t *)dst + (size_t)i * row_bytes);
}
