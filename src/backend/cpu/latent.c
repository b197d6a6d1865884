/* latent.c - from the products of a layer's queries and latents to its queries and cached keys: multi-head latent
 * attention (DeepSeek-V2, 2024, section 2.1).
 *
 *   query of a head   | nope ........ | rot |      nope: to q_nope, whose product with W_UK makes it as long as a latent
 *                                                  rot:  rotated, to the end of the head in q_rot
 *   key of a token    | latent ...... | rot |      normalised | rotated; a row of the cache (kv_block.h) */
#include "backend/cpu/cpu.h"

#include <string.h>

typedef struct latent_job {
    stream *s;
    layer_blocks layer;
    const batch *b;
    const latent_args *a;
} latent_job;

static void rotate(const latent_job *j, float *x, int64_t t)
{
    const rope_args *rope = &j->a->rope;
    if (rope->n_rot == 0) return;
    j->s->be->k.rope_head(x, rope->cos_sin + (size_t)t * (size_t)rope->n_rot, rope->n_rot, rope->pairing);
}

/* nope: scratch for a row of q_nope. */
static void split_queries(const latent_job *j, int64_t t, float *nope)
{
    const latent_args *a = j->a;
    const kv_shape *shape = &j->layer.form->shape;
    size_t n_nope = (size_t)a->n_nope, n_rot = (size_t)(shape->head_dim - shape->v_dim);
    size_t head_dim = (size_t)shape->head_dim, first = (size_t)t * (size_t)a->n_heads;
    for (size_t h = 0; h < (size_t)a->n_heads; h++) {
        const float *q = a->q + (first + h) * (n_nope + n_rot);
        float *rot = a->q_rot + (first + h) * head_dim + head_dim - n_rot;
        memcpy(nope + h * n_nope, q, n_nope * sizeof *nope);
        memcpy(rot, q + n_nope, n_rot * sizeof *rot);
        rotate(j, rot, t);
    }
    act_store_row(j->s->be, a->q_nope, (int32_t)t, nope, a->forms);
}

static void store_key(const latent_job *j, int64_t t)
{
    const latent_args *a = j->a;
    const kv_shape *shape = &j->layer.form->shape;
    float *k = a->k + (size_t)t * (size_t)shape->head_dim;
    norm_run(&j->s->be->k, &a->k_norm, k, k, shape->v_dim, a->eps);
    rotate(j, k + shape->v_dim, t);
    kv_block_store(j->layer.form, &j->s->be->k, layer_block(&j->layer, j->b, t), j->b->slot[t] % KV_BLOCK, 0, k, NULL);
}

static void latent_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const latent_job *j = arg;
    for (int64_t t = begin; t < end; t++) {
        split_queries(j, t, stream_row(j->s, thread));
        store_key(j, t);
    }
}

void cpu_latent_store(stream *s, kv_store *kv, int32_t layer, const batch *b, const latent_args *args)
{
    latent_job job = { s, layer_blocks_of(kv, layer, b), b, args };
    act_resize(args->q_nope, b->n_tokens, args->n_heads * args->n_nope);
    pool_for(s->threads, b->n_tokens, 2, latent_items, &job);
}
