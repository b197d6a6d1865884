/* attention.c - from the products of a layer's queries, keys and values to the input of its output product.
 *
 * qkv_store: each token's heads are normalised and rotated, and its K and V rows go to the slot of its position.
 * attention: tiles of tokens times KV heads are the items of one loop over threads. */
#include "backend/cpu/cpu.h"

#include <math.h>

static uint8_t *layer_base(const kv_store *kv, int32_t layer)
{
    return kv->data + (size_t)layer * (size_t)kv->n_blocks * kv_block_elems(&kv->layout) * kv_elem_bytes(&kv->layout);
}

typedef struct angles_job {
    float *cos_sin;
    const int32_t *pos;
    const float *freqs;
    int32_t half;
} angles_job;

static void angles_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const angles_job *j = arg;
    for (int64_t t = begin; t < end; t++) {
        float *out = j->cos_sin + (size_t)t * (size_t)j->half * 2;
        for (int32_t i = 0; i < j->half; i++) {
            float angle = (float)j->pos[t] * j->freqs[i];
            out[2 * i] = cosf(angle);
            out[2 * i + 1] = sinf(angle);
        }
    }
}

void cpu_rope_angles(stream *s, float *cos_sin, const int32_t *pos, int32_t n_tokens, const float *freqs,
                     int32_t n_rot)
{
    angles_job job = { cos_sin, pos, freqs, n_rot / 2 };
    pool_for(s->threads, n_tokens, 8, angles_items, &job);
}

typedef struct store_job {
    stream *s;
    kv_store *kv;
    uint8_t *layer;
    const batch *b;
    const qkv_args *a;
} store_job;

static void norm_and_rotate(const store_job *j, float *heads, int32_t n_heads, const float *norm, int64_t t)
{
    const kernels *k = &j->s->be->k;
    int32_t head_dim = j->kv->layout.head_dim;
    const float *cos_sin = j->a->rope.cos_sin + (size_t)t * (size_t)j->a->rope.n_rot;
    for (int32_t h = 0; h < n_heads; h++) {
        float *x = heads + (size_t)h * (size_t)head_dim;
        if (norm) k->rmsnorm_row(x, x, norm, head_dim, j->a->eps);
        k->rope_head(x, cos_sin, j->a->rope.n_rot, j->a->rope.pairing);
    }
}

/* One head's key becomes a column of K, its value a row of V. Values are kept finite: attention multiplies slots that a
 * token does not see with 0 (kernels.h), and such a slot may hold anything that was ever written. What is lost by it is
 * only the place where a model that overflows shows it: NaN keys still make NaN scores. */
static void store_head(const store_job *j, uint8_t *base, int32_t slot, int32_t head, const float *k, const float *v)
{
    const kv_layout *l = &j->kv->layout;
    uint16_t half[ATTN_MAX_HEAD], *block = (uint16_t *)base;
    uint16_t *keys = block + (size_t)head * kv_head_elems(l);
    uint16_t *values = block + (size_t)(l->n_kv_heads + head) * kv_head_elems(l) + (size_t)(slot * l->head_dim);
    j->s->be->k.to_f16(half, k, l->head_dim);
    for (int32_t i = 0; i < l->head_dim; i++) keys[i * KV_BLOCK + slot] = half[i];
    j->s->be->k.to_f16(values, v, l->head_dim);
    for (int32_t i = 0; i < l->head_dim; i++) {
        bool finite = (values[i] & 0x7c00) != 0x7c00;
        values[i] = finite ? values[i] : (uint16_t)((values[i] & 0x8000) | 0x7bff);
    }
}

/* The same in a float32 cache, which only the reference's attention reads: it looks at no slot that is not seen. */
static void store_head_f32(const store_job *j, uint8_t *base, int32_t slot, int32_t head, const float *k, const float *v)
{
    const kv_layout *l = &j->kv->layout;
    float *block = (float *)base, *keys = block + (size_t)head * kv_head_elems(l);
    float *values = block + (size_t)(l->n_kv_heads + head) * kv_head_elems(l) + (size_t)(slot * l->head_dim);
    for (int32_t i = 0; i < l->head_dim; i++) keys[i * KV_BLOCK + slot] = k[i];
    for (int32_t i = 0; i < l->head_dim; i++) values[i] = v[i];
}

static void store_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const store_job *j = arg;
    const kv_layout *l = &j->kv->layout;
    size_t head_dim = (size_t)l->head_dim, kv_dim = (size_t)l->n_kv_heads * head_dim;
    for (int64_t t = begin; t < end; t++) {
        float *k = j->a->k + (size_t)t * kv_dim;
        const float *v = j->a->v + (size_t)t * kv_dim;
        norm_and_rotate(j, j->a->q + (size_t)t * (size_t)j->a->n_heads * head_dim, j->a->n_heads, j->a->q_norm, t);
        norm_and_rotate(j, k, l->n_kv_heads, j->a->k_norm, t);
        size_t block = (size_t)j->b->tables[t][j->b->pos[t] / KV_BLOCK] * kv_block_elems(l) * kv_elem_bytes(l);
        for (int32_t h = 0; h < l->n_kv_heads; h++)
            (l->f32 ? store_head_f32 : store_head)(j, j->layer + block, j->b->pos[t] % KV_BLOCK, h,
                                                   k + (size_t)h * head_dim, v + (size_t)h * head_dim);
    }
}

void cpu_qkv_store(stream *s, kv_store *kv, int32_t layer, const batch *b, const qkv_args *args)
{
    store_job job = { s, kv, layer_base(kv, layer), b, args };
    pool_for(s->threads, b->n_tokens, KV_BLOCK, store_items, &job);
}

typedef struct attention_job {
    stream *s;
    const kv_store *kv;
    const uint8_t *layer;
    const batch *b;
    const attention_args *a;
    float *out; /* [n_tokens][n_heads * head_dim] */
} attention_job;

/* Adds the heads h0 .. h0 + n - 1 of token t to a tile. */
static void add_rows(const attention_job *j, attention_tile_args *tile, int32_t t, int32_t h0, int32_t n)
{
    int32_t pos = j->b->pos[t], window = j->a->window;
    for (int32_t h = h0; h < h0 + n; h++, tile->n_rows++) {
        size_t at = ((size_t)t * (size_t)j->a->n_heads + (size_t)h) * (size_t)tile->head_dim;
        tile->q[tile->n_rows] = j->a->q + at;
        tile->out[tile->n_rows] = j->out + at;
        tile->first[tile->n_rows] = window && pos >= window ? pos - window + 1 : 0;
        tile->last[tile->n_rows] = pos;
    }
}

/* Tokens begin <= t < end with n query heads from h0 on, in tiles of tokens that follow each other in one sequence. */
static void attend(const attention_job *j, int32_t begin, int32_t end, int32_t h0, int32_t n, int32_t kv_head)
{
    const kv_layout *l = &j->kv->layout;
    const batch *b = j->b;
    for (int32_t t = begin; t < end;) {
        attention_tile_args tile = { .head_dim = l->head_dim, .blocks = j->layer, .f32 = l->f32,
                                     .block_elems = kv_block_elems(l),
                                     .k_offset = (size_t)kv_head * kv_head_elems(l),
                                     .v_offset = (size_t)(l->n_kv_heads + kv_head) * kv_head_elems(l),
                                     .table = b->tables[t], .scale = j->a->scale };
        do add_rows(j, &tile, t++, h0, n);
        while (t < end && b->tables[t] == b->tables[t - 1] && b->pos[t] == b->pos[t - 1] + 1);
        j->s->be->k.attention_tile(&tile);
    }
}

/* Tokens whose heads of one group fill a tile; one at least: more than ATTN_ROWS heads pass in parts. */
static int32_t tokens_in_tile(int32_t n_group)
{
    return n_group < ATTN_ROWS ? ATTN_ROWS / n_group : 1;
}

static void attention_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const attention_job *j = arg;
    int32_t n_kv_heads = j->kv->layout.n_kv_heads, n_group = j->a->n_heads / n_kv_heads, n = tokens_in_tile(n_group);
    for (int64_t item = begin; item < end; item++) {
        int32_t first = (int32_t)(item / n_kv_heads) * n, kv_head = (int32_t)(item % n_kv_heads);
        int32_t last = first + n < j->b->n_tokens ? first + n : j->b->n_tokens;
        for (int32_t g = 0; g < n_group; g += ATTN_ROWS)
            attend(j, first, last, kv_head * n_group + g, n_group - g < ATTN_ROWS ? n_group - g : ATTN_ROWS, kv_head);
    }
}

typedef struct store_act_job {
    stream *s;
    act *out;
    int32_t forms;
} store_act_job;

static void store_act_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const store_act_job *j = arg;
    for (int64_t t = begin; t < end; t++)
        act_store_row(j->s->be, j->out, (int32_t)t, j->out->f32 + (size_t)t * (size_t)j->out->n_cols, j->forms);
}

/* Heads of one token may be computed by different threads, so the row is quantised in a loop of its own; out always
 * has the f32 form for that. */
void cpu_attention(stream *s, act *out, int32_t forms, const kv_store *kv, int32_t layer, const batch *b,
                   const attention_args *args)
{
    act_resize(out, b->n_tokens, args->n_heads * kv->layout.head_dim);
    attention_job job = { s, kv, layer_base(kv, layer), b, args, out->f32 };
    int32_t n = tokens_in_tile(args->n_heads / kv->layout.n_kv_heads);
    int64_t n_items = (int64_t)((b->n_tokens + n - 1) / n) * kv->layout.n_kv_heads;
    pool_for(s->threads, n_items, 1, attention_items, &job);
    if (!(forms & ~ACT_F32)) return;
    store_act_job store = { s, out, forms };
    pool_for(s->threads, b->n_tokens, 4, store_act_items, &store);
}
