/* attention.c - from the products of a layer's queries, keys and values to the input of its output product.
 *
 * qkv_store: each token's heads are normalised and rotated, and its K and V rows go to the slot of its position.
 * attention: (token, KV head) pairs are the items of one loop over threads. */
#include "backend/cpu/cpu.h"

#include <math.h>

static uint16_t *layer_base(const kv_store *kv, int32_t layer)
{
    return kv->data + (size_t)layer * (size_t)kv->n_blocks * kv_block_elems(&kv->layout);
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
    uint16_t *layer;
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
        int32_t pos = j->b->pos[t], block = j->b->tables[t][pos / KV_BLOCK];
        uint16_t *to = j->layer + (size_t)block * kv_block_elems(l) + (size_t)(pos % KV_BLOCK) * head_dim;
        for (int32_t h = 0; h < l->n_kv_heads; h++) {
            size_t k_head = (size_t)h * kv_head_elems(l), v_head = (size_t)(l->n_kv_heads + h) * kv_head_elems(l);
            j->s->be->k.to_f16(to + k_head, k + (size_t)h * head_dim, l->head_dim);
            j->s->be->k.to_f16(to + v_head, v + (size_t)h * head_dim, l->head_dim);
        }
    }
}

void cpu_qkv_store(stream *s, kv_store *kv, int32_t layer, const batch *b, const qkv_args *args)
{
    store_job job = { s, kv, layer_base(kv, layer), b, args };
    pool_for(s->threads, b->n_tokens, 4, store_items, &job);
}

typedef struct attention_job {
    stream *s;
    const kv_store *kv;
    const uint16_t *layer;
    const batch *b;
    const attention_args *a;
    float *out; /* [n_tokens][n_heads * head_dim] */
} attention_job;

static void attention_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const attention_job *j = arg;
    const kv_layout *l = &j->kv->layout;
    int32_t n_group = j->a->n_heads / l->n_kv_heads;
    size_t head_elems = kv_head_elems(l);
    for (int64_t item = begin; item < end; item++) {
        int64_t t = item / l->n_kv_heads;
        int32_t h = (int32_t)(item % l->n_kv_heads), pos = j->b->pos[t];
        int32_t first = j->a->window && pos >= j->a->window ? pos - j->a->window + 1 : 0;
        for (int32_t g = 0; g < n_group; g += ATTN_MAX_GROUP) {
            size_t head = ((size_t)t * (size_t)j->a->n_heads + (size_t)(h * n_group + g)) * (size_t)l->head_dim;
            attention_row_args row = {
                .q = j->a->q + head, .out = j->out + head, .head_dim = l->head_dim, .scale = j->a->scale,
                .n_group = n_group - g < ATTN_MAX_GROUP ? n_group - g : ATTN_MAX_GROUP,
                .blocks = j->layer, .block_elems = kv_block_elems(l), .k_offset = (size_t)h * head_elems,
                .v_offset = (size_t)(l->n_kv_heads + h) * head_elems,
                .table = j->b->tables[t], .first = first, .last = pos,
            };
            j->s->be->k.attention_row(&row);
        }
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
    int64_t n_items = (int64_t)b->n_tokens * kv->layout.n_kv_heads;
    pool_for(s->threads, n_items, 1, attention_items, &job);
    if (!(forms & ACT_INT8)) return;
    store_act_job store = { s, out, forms };
    pool_for(s->threads, b->n_tokens, 4, store_act_items, &store);
}
