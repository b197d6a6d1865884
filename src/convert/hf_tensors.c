/* hf_tensors.c - see hf_tensors.h. */
#include "convert/hf_tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fp16.h"

#define MAX_INDEX (1 << 16)

void hf_tensors_deinit(hf_tensors *t)
{
    free(t->sources);
    free(t->recipes);
    free(t->places);
    *t = (hf_tensors){ 0 };
}

/* ---- Names -------------------------------------------------------------------------------------------------- */

/* A number of at most six digits at *text, which moves behind it; -1: there is none. */
static int64_t read_number(const char **text)
{
    int64_t value = 0;
    const char *p = *text;
    while (*p >= '0' && *p <= '9' && p - *text < 6) value = 10 * value + *p++ - '0';
    if (p == *text) return -1;
    *text = p;
    return value;
}

/* Whether pattern is the beginning of text up to its end or to ".weight" or ".bias" there; kind: what follows. */
static bool matches(const char *pattern, const char *text, int64_t *index, const char **kind)
{
    *index = -1;
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            if ((*index = read_number(&text)) < 0) return false;
        } else if (*pattern != *text++) {
            return false;
        }
    }
    *kind = text;
    return !*text || !strcmp(text, ".weight") || !strcmp(text, ".bias");
}

/* The text part of models that see, and BERT below a head, have names of their own around the usual ones. */
static const char *inner_name(const char *name, char out[512])
{
    if (!strncmp(name, "language_model.", 15)) return name + 15;
    if (!strncmp(name, "model.language_model.", 21)) {
        snprintf(out, 512, "model.%s", name + 21);
        return out;
    }
    return strncmp(name, "bert.", 5) ? name : name + 5;
}

static bool is_other_part(const char *name)
{
    static const char *const parts[] = { "vision_tower.",       "multi_modal_projector.",
                                         "model.vision_tower.", "model.multi_modal_projector.",
                                         "vision_model.",       "model.vision_model." };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strncmp(name, parts[i], strlen(parts[i]))) return true;
    return false;
}

typedef struct finder {
    hf_tensors *t;
    hf_keys *k;
    size_t cap;
} finder;

static bool add(finder *f, const hf_source *source)
{
    hf_tensors *t = f->t;
    if ((size_t)t->n_sources == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 512;
        hf_source *more = realloc(t->sources, cap * sizeof *more);
        if (!more) {
            hf_fail(f->k, SUMI_ENOMEM, "out of memory");
            return false;
        }
        t->sources = more;
        f->cap = cap;
    }
    t->sources[t->n_sources++] = *source;
    return true;
}

/* Adds the source under the names that a table has for text; false: it has none. */
static bool add_named(finder *f, const hf_name *names, const char *text, hf_source *s, int32_t first_row)
{
    const char *kind;
    bool found = false;
    for (const hf_name *n = names; n && n->hf; n++) {
        if (!matches(n->hf, text, &s->index, &kind)) continue;
        if (!found && !n->gguf) return true;
        found = true;
        s->order = n->order;
        s->row = first_row + (int32_t)(n - names);
        char layer[32] = "";
        if (s->layer >= 0) snprintf(layer, sizeof layer, "blk.%d.", s->layer);
        snprintf(s->name, sizeof s->name, "%s%s%s", layer, n->gguf, kind);
        if (!add(f, s)) return true;
    }
    return found;
}

static void find_one(finder *f, const st_tensor *tensor, int32_t file)
{
    char buffer[512];
    const hf_family *family = f->k->family;
    const char *name = inner_name(tensor->name, buffer), *rest = name + strlen(family->layers);
    hf_source s = { .tensor = tensor, .file = file, .layer = -1 };
    if (is_other_part(tensor->name)) return;
    bool tied = hf_bool(f->k, "tie_word_embeddings", false);
    if (tied && (!strncmp(name, "lm_head.weight", 15) || !strncmp(name, "embed_out.weight", 17))) return;
    bool in_layer = !strncmp(name, family->layers, strlen(family->layers));
    if (!in_layer && !strncmp(family->layers, "transformer.", 12) &&
        !strncmp(name, family->layers + 12, strlen(family->layers + 12)))
        rest = name + strlen(family->layers + 12), in_layer = true; /* files of the bare model */
    if (in_layer) {
        int64_t layer = read_number(&rest);
        if (layer >= 0 && layer < f->k->n_layers && *rest++ == '.') {
            s.layer = (int32_t)layer;
            if (add_named(f, family->own, rest, &s, 1000) || add_named(f, family->block, rest, &s, 0)) return;
        }
    } else if (add_named(f, family->top, name, &s, 0)) {
        return;
    }
    hf_fail(f->k, SUMI_EUNSUPPORTED, "tensor '%.80s' is not part of the %s family as sumi knows it",
            tensor->name, family->arch);
}

static void find_all(finder *f)
{
    hf_keys *k = f->k;
    for (int32_t i = 0; i < k->folder->n_files; i++)
        for (int64_t j = 0; j < st_n_tensors(k->folder->files[i]) && k->status == SUMI_OK; j++)
            find_one(f, st_tensor_at(k->folder->files[i], j), i);
    for (int32_t i = 0; i < k->n_factors; i++) {
        hf_source s = { .factors = &k->factors[i], .layer = -1, .row = 100 + i, .index = -1 };
        snprintf(s.name, sizeof s.name, "%s", k->factors[i].name);
        if (!add(f, &s)) return;
    }
}

/* The order of the file: what is outside the layers, then layer by layer in the order of the tables. */
static int by_place(const void *a, const void *b)
{
    const hf_source *x = a, *y = b;
    if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    int names = strcmp(x->name, y->name);
    if (names) return names;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* ---- Shapes ------------------------------------------------------------------------------------------------- */

/* One matrix of a tensor: its last two dimensions; a vector is a column. */
static void matrix_of(const hf_source *s, int64_t *n_mats, int64_t *rows, int64_t *cols)
{
    const st_tensor *t = s->tensor;
    *n_mats = *cols = *rows = 1;
    if (s->factors) {
        *rows = s->factors->n;
        return;
    }
    for (int32_t d = 0; d + 2 < t->n_dims; d++) *n_mats *= t->dims[d];
    if (t->n_dims == 1) *rows = t->dims[0];
    if (t->n_dims < 2) return;
    *rows = t->dims[t->n_dims - 2];
    *cols = t->dims[t->n_dims - 1];
}

static void set_order(hf_recipe *r, const hf_keys *k, hf_order order)
{
    bool pairs = k->family->traits & HF_PAIRS;
    int64_t groups = k->n_kv_heads, heads = k->n_heads / k->n_kv_heads, d = k->head_dim;
    switch (order) {
    case HF_SAME: return;
    case HF_ROPE_Q:
    case HF_ROPE_K:
        r->pair_rows = pairs ? r->src_rows / (order == HF_ROPE_Q ? k->n_heads : k->n_kv_heads) : 0;
        return;
    case HF_TRANSPOSED:
        r->transposed = r->src_cols > 1;
        if (!r->transposed) return;
        r->n_rows = r->src_cols;
        r->n_cols = r->src_rows;
        return;
    case HF_GROUPS:
    case HF_GROUPS_Q:
    case HF_GROUPS_K:
    case HF_GROUPS_V:
        r->n_groups = groups;
        r->q_rows = heads * d;
        r->head_rows = d;
        if (order == HF_GROUPS) return;
        r->pair_rows = pairs && order != HF_GROUPS_V ? d : 0;
        r->n_rows = order == HF_GROUPS_Q ? groups * r->q_rows : groups * d;
        if (order != HF_GROUPS_Q) r->first_row = groups * (r->q_rows + (order == HF_GROUPS_V ? d : 0));
        return;
    }
}

/* Whether the order makes sense for matrices of this size. */
static bool order_fits(const hf_recipe *r)
{
    if (r->n_groups > 0 && r->src_rows != r->n_groups * (r->q_rows + 2 * r->head_rows)) return false;
    return r->pair_rows == 0 || (r->pair_rows % 2 == 0 && r->n_rows % r->pair_rows == 0);
}

static const dtype_info *type_of(const hf_source *s)
{
    return s->factors ? dtype_find(DTYPE_F32) : st_type_dtype(s->tensor->type);
}

/* All sources of one tensor have the type and shape of the first, and are numbered without gaps. */
static bool check_sources(hf_keys *k, const hf_recipe *r)
{
    const hf_source *first = r->sources;
    const char *name = first->tensor ? first->tensor->name : first->name;
    if (!type_of(first)) {
        hf_fail(k, SUMI_EUNSUPPORTED, "tensor '%.100s': type %s is not supported; F32, F16 and BF16 are",
                name, st_type_name(first->tensor->type));
        return false;
    }
    if (first->index < 0 && r->n_sources > 1) {
        hf_fail(k, SUMI_EFORMAT, "tensor '%.100s' is there twice", name);
        return false;
    }
    for (int32_t i = 0; first->index >= 0 && i < r->n_sources; i++) {
        const st_tensor *t = first[i].tensor;
        bool same = t->type == first->tensor->type && t->n_dims == first->tensor->n_dims &&
                    !memcmp(t->dims, first->tensor->dims, sizeof t->dims);
        if (first[i].index == i && same) continue;
        hf_fail(k, SUMI_EFORMAT, "tensor '%.100s' does not fit to those that are numbered before it",
                t->name);
        return false;
    }
    return true;
}

/* dims of the result, fastest first. */
static int32_t result_dims(const hf_recipe *r, int64_t n_mats, int64_t dims[GGUF_MAX_DIMS])
{
    const hf_source *s = r->sources;
    bool vector = s->factors || s->tensor->n_dims < 2;
    int32_t n = 0;
    if (!vector) dims[n++] = r->n_cols;
    dims[n++] = r->n_rows;
    if (n_mats > 1 || (!vector && s->tensor->n_dims > 2)) dims[n++] = n_mats;
    if (s->index >= 0) dims[n++] = r->n_sources;
    return n;
}

static bool is_norm(const char *name)
{
    size_t n = strlen(name);
    return n > 11 && !strcmp(name + n - 11, "norm.weight");
}

/* ---- One tensor --------------------------------------------------------------------------------------------- */

static void describe(hf_tensors *t, hf_keys *k, int32_t first, int32_t n_sources)
{
    const hf_source *s = &t->sources[first];
    hf_recipe *r = &t->recipes[t->n];
    int64_t n_mats, dims[GGUF_MAX_DIMS + 2];
    *r = (hf_recipe){ .sources = s, .n_sources = n_sources };
    if (!check_sources(k, r)) return;
    const char *name = s->tensor ? s->tensor->name : s->name;
    matrix_of(s, &n_mats, &r->src_rows, &r->src_cols);
    r->n_rows = r->src_rows;
    r->n_cols = r->src_cols;
    set_order(r, k, s->order);
    int32_t n_dims = result_dims(r, n_mats, dims);
    if (n_dims > GGUF_MAX_DIMS || (s->tensor && s->tensor->n_elems == 0) || !order_fits(r)) {
        hf_fail(k, SUMI_EFORMAT, "tensor '%.100s' has a shape that does not fit the configuration", name);
        return;
    }
    r->plus_1 = k->family->traits & HF_NORM_PLUS_1 && is_norm(s->name);
    r->type = type_of(s)->type;
    r->out_type = r->plus_1 ? DTYPE_F32 : r->type;
    const void *data = s->factors ? s->factors->values : s->tensor->data;
    bool as_it_is = n_sources == 1 && !r->transposed && !r->plus_1 && !r->pair_rows && !r->n_groups;
    bool aligned = (uintptr_t)data % (size_t)type_of(s)->block_bytes == 0;
    t->places[t->n++] =
        (gguf_place){ as_it_is && aligned ? data : NULL, s->file, s->tensor ? s->tensor->offset : 0 };
    gguf_put_tensor(k->head, s->name, strlen(s->name), r->out_type, n_dims, dims);
}

sumi_status hf_tensors_init(hf_tensors *t, hf_keys *k)
{
    finder f = { t, k, 0 };
    *t = (hf_tensors){ 0 };
    find_all(&f);
    if (k->status != SUMI_OK) return k->status;
    if (t->n_sources) qsort(t->sources, (size_t)t->n_sources, sizeof *t->sources, by_place);
    t->recipes = calloc((size_t)t->n_sources + 1, sizeof *t->recipes);
    t->places = calloc((size_t)t->n_sources + 1, sizeof *t->places);
    if (!t->recipes || !t->places) hf_fail(k, SUMI_ENOMEM, "out of memory");
    for (int32_t i = 0, n; i < t->n_sources && k->status == SUMI_OK; i += n) {
        for (n = 1; i + n < t->n_sources && !strcmp(t->sources[i].name, t->sources[i + n].name);) n++;
        describe(t, k, i, n);
    }
    return k->status;
}

/* ---- Making rows -------------------------------------------------------------------------------------------- */

/* The row of a source (its column, if it is transposed) that becomes row i of the result. */
static int64_t source_row(const hf_recipe *r, int64_t i)
{
    if (r->pair_rows) {
        int64_t head = i / r->pair_rows, in_head = i % r->pair_rows;
        i = head * r->pair_rows + in_head % 2 * (r->pair_rows / 2) + in_head / 2;
    }
    if (!r->n_groups) return i;
    i += r->first_row;
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
        memcpy(dst, r->plus_1 ? (const uint8_t *)&f : src, r->plus_1 ? sizeof f : bytes);
        dst += r->plus_1 ? sizeof f : bytes;
    }
}

/* Rows of the recipe's matrices, counted through all of them. A vector's elements are rows here. */
static void make_rows(const hf_recipe *r, int64_t first, int64_t n, uint8_t *dst)
{
    size_t in = (size_t)dtype_find((uint32_t)r->type)->block_bytes;
    size_t out = (size_t)dtype_find((uint32_t)r->out_type)->block_bytes;
    size_t src_row = (size_t)r->src_cols * in, src_matrix = (size_t)r->src_rows * src_row;
    size_t n_mats = r->sources->tensor ? r->sources->tensor->n_bytes / src_matrix : 1;
    for (int64_t i = first; i < first + n; i++, dst += (size_t)r->n_cols * out) {
        size_t matrix = (size_t)(i / r->n_rows), row = (size_t)source_row(r, i % r->n_rows);
        const hf_source *s = &r->sources[matrix / n_mats];
        const uint8_t *src = s->tensor ? s->tensor->data : (const uint8_t *)s->factors->values;
        src += matrix % n_mats * src_matrix + (r->transposed ? row * in : row * src_row);
        copy_elements(r, src, r->transposed ? src_row : in, r->n_cols, dst);
    }
}

void hf_tensors_make(const hf_tensors *t, int64_t i, int64_t first, int64_t n, void *dst)
{
    const hf_recipe *r = &t->recipes[i];
    const st_tensor *tensor = r->sources->tensor;
    bool vector = !tensor || tensor->n_dims < 2;
    if (vector) make_rows(r, first * r->n_rows, n * r->n_rows, dst); /* GGUF has a vector as one row */
    else make_rows(r, first, n, dst);
}
