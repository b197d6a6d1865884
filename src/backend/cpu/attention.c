/* attention.c - from the products of a layer's queries, keys and values to the input of its output product.
 *
 * qkv_store: each token's heads are normalised and rotated, and its K and V rows go to its slot.
 * attention: tiles of tokens times KV heads are the items of one loop over threads. */
#include "backend/cpu/cpu.h"

#include <math.h>

typedef struct angles_job {
    float *cos_sin;
    const int32_t *pos;
    const float *freqs;
    int32_t half;
    float size;
} angles_job;

static void angles_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const angles_job *j = arg;
    for (int64_t t = begin; t < end; t++) {
        float *out = j->cos_sin + (size_t)t * (size_t)j->half * 2;
        for (int32_t i = 0; i < j->half; i++) {
            float angle = (float)j->pos[t] * j->freqs[i];
            out[2 * i] = j->size * cosf(angle);
            out[2 * i + 1] = j->size * sinf(angle);
        }
    }
}

void cpu_rope_angles(stream *s, float *cos_sin, const int32_t *pos, int32_t n_tokens, const float *freqs, int32_t n_rot,
                     float size)
{
    angles_job job = { cos_sin, pos, freqs, n_rot / 2, size };
    pool_for(s->threads, n_tokens, 8, angles_items, &job);
}

typedef struct store_job {
    stream *s;
    layer_blocks layer;
    const batch *b;
    const qkv_args *a;
} store_job;

static void clamp_row(float *x, size_t n, float limit)
{
    for (size_t i = 0; i < n && limit > 0; i++) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

static void norm_heads(const store_job *j, float *heads, int32_t n_heads, const norm *w)
{
    const kernels *k = &j->s->be->k;
    int32_t head_dim = j->layer.form->shape.head_dim;
    if (w->kind == NORM_NONE) return;
    if (j->a->norm_kind == QK_NORM_WHOLE) {
        norm_run(k, w, heads, heads, n_heads * head_dim, j->a->eps);
        return;
    }
    for (int32_t h = 0; h < n_heads; h++) {
        size_t first = (size_t)h * (size_t)head_dim;
        norm own = *w;
        if (j->a->norm_kind == QK_NORM_HEADS) own.w += first;
        norm_run(k, &own, heads + first, heads + first, head_dim, j->a->eps);
    }
}

static void norm_and_rotate(const store_job *j, float *heads, int32_t n_heads, const norm *w, int64_t t)
{
    const rope_args *rope = &j->a->rope;
    if (!j->a->norm_last) norm_heads(j, heads, n_heads, w);
    for (int32_t h = 0; h < n_heads && rope->n_rot; h++)
        j->s->be->k.rope_head(heads + (size_t)h * (size_t)j->layer.form->shape.head_dim,
                              rope->cos_sin + (size_t)t * (size_t)rope->n_rot, rope->n_rot, rope->pairing);
    if (j->a->norm_last) norm_heads(j, heads, n_heads, w);
}

static void grow(const store_job *j, float *q, size_t n, int32_t pos)
{
    if (j->a->growth == 0) return;
    float steps = (float)((pos + 1) / j->a->growth_length);
    j->s->be->k.scale_row(q, (int32_t)n, 1 + j->a->growth * logf(1 + steps), 0);
}

static void store_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const store_job *j = arg;
    const kv_shape *shape = &j->layer.form->shape;
    size_t head_dim = (size_t)shape->head_dim, k_dim = (size_t)shape->n_kv_heads * head_dim;
    size_t v_dim = (size_t)shape->n_kv_heads * (size_t)shape->v_dim;
    for (int64_t t = begin; t < end; t++) {
        size_t q_dim = (size_t)j->a->n_heads * head_dim;
        float *q = j->a->q + (size_t)t * q_dim, *k = j->a->k + (size_t)t * k_dim, *v = j->a->v + (size_t)t * v_dim;
        clamp_row(q, q_dim, j->a->clamp);
        clamp_row(k, k_dim, j->a->clamp);
        clamp_row(v, v_dim, j->a->clamp);
        norm_and_rotate(j, q, j->a->n_heads, &j->a->q_norm, t);
        norm_and_rotate(j, k, shape->n_kv_heads, &j->a->k_norm, t);
        grow(j, q, q_dim, j->b->pos[t]);
        uint8_t *block = layer_block(&j->layer, j->b, t);
        for (int32_t h = 0; h < shape->n_kv_heads; h++)
            kv_block_store(j->layer.form, &j->s->be->k, block, j->b->slot[t] % KV_BLOCK, h, k + (size_t)h * head_dim,
                           v + (size_t)h * (size_t)shape->v_dim);
    }
}

void cpu_qkv_store(stream *s, kv_store *kv, int32_t layer, const batch *b, const qkv_args *args)
{
    store_job job = { s, layer_blocks_of(kv, layer, b), b, args };
    pool_for(s->threads, b->n_tokens, KV_BLOCK, store_items, &job);
}

/* Attention proper. A row is a (token, query head) pair; rows of one KV head and one sequence share a call of the tile
 * kernel. The work is divided in one of two ways, with the same bits (kernels.h):
 *
 *   by tokens   an item is a run of tokens with all their heads, and quantises them when they are done. For prompts
 *               and for batches of many sequences.
 *   by chunks   an item is one run of tokens, heads of one KV head and one chunk of positions. A second loop merges the
 *               chunks of each token. For a few long sequences, which would leave threads idle otherwise. */
typedef struct attention_job {
    stream *s;
    layer_blocks layer;
    const batch *b;
    const attention_args *a;
    act *out; /* f32 [n_tokens][n_heads * v_dim], and other forms of it */
    int32_t forms;
    int32_t n_group; /* query heads of a KV head */
} attention_job;

/* A run of tokens that follow each other in one sequence, and the chunks that they see. */
typedef struct run {
    int32_t begin, end, first_chunk, n_chunks;
} run;

static int32_t first_seen(const attention_job *j, int32_t t)
{
    int32_t slot = j->b->slot[t], window = j->a->window;
    if (j->a->chunks && window) return slot - slot % window;
    if (j->a->both_ways) return window && slot > window / 2 ? slot - window / 2 : 0;
    return kv_first_seen(window, slot);
}

static int32_t last_seen(const attention_job *j, int32_t t)
{
    int32_t slot = j->b->slot[t], window = j->a->window;
    if (!j->a->both_ways) return slot;
    int32_t last = j->b->seqs[j->b->seq[t]].len - 1;
    return window && last - slot > window / 2 ? slot + window / 2 : last;
}

/* The run that begins at token t: the tokens before `end` that follow t in its sequence, at most max_tokens. */
static run run_from(const attention_job *j, int32_t t, int32_t end, int32_t max_tokens)
{
    const batch *b = j->b;
    run r = { .begin = t, .end = t + 1, .first_chunk = first_seen(j, t) / ATTN_CHUNK };
    while (r.end < end && r.end - t < max_tokens && b->seq[r.end] == b->seq[t] &&
           b->slot[r.end] == b->slot[r.end - 1] + 1)
        r.end++;
    r.n_chunks = last_seen(j, r.end - 1) / ATTN_CHUNK - r.first_chunk + 1;
    return r;
}

/* Rows of a finished token, or of its partial sums: those of query head h of token t begin at
 * base + ((t - begin) * n_heads + h) * stride. */
typedef struct destination {
    float *base;
    int32_t begin;
    size_t stride;
} destination;

static const float *sink_of(const attention_job *j, int32_t h)
{
    return j->a->sinks ? j->a->sinks + h : NULL;
}

/* The heads h0 <= h < h0 + n of a run, which share a KV head; chunk as in kernels.h. */
static void attend_heads(const attention_job *j, run r, int32_t h0, int32_t n, int32_t chunk, destination to,
                         float *scratch)
{
    const kv_shape *shape = &j->layer.form->shape;
    int32_t kv_head = h0 / j->n_group;
    attention_tile_args tile = { .head_dim = shape->head_dim,
                                 .v_dim = shape->v_dim,
                                 .latent = shape->latent,
                                 .chunk = chunk,
                                 .format = shape->format,
                                 .blocks = j->layer.base,
                                 .block_stride = j->layer.stride,
                                 .k_offset = kv_k_offset(j->layer.form, kv_head),
                                 .v_offset = kv_v_offset(j->layer.form, kv_head),
                                 .v_stride = j->layer.form->v_stride,
                                 .table = layer_table(&j->layer, j->b, r.begin),
                                 .scale = j->a->scale,
                                 .softcap = j->a->softcap,
                                 .alibi = j->a->alibi != NULL,
                                 .scratch = scratch };
    for (int32_t t = r.begin; t < r.end; t++) {
        if (chunk != ATTN_ALL && last_seen(j, t) / ATTN_CHUNK < chunk) continue;
        if (chunk != ATTN_ALL && first_seen(j, t) / ATTN_CHUNK > chunk) continue;
        for (int32_t h = h0; h < h0 + n; h++, tile.n_rows++) {
            size_t row = (size_t)j->a->n_heads * (size_t)t + (size_t)h;
            size_t out = (size_t)j->a->n_heads * (size_t)(t - to.begin) + (size_t)h;
            tile.q[tile.n_rows] = j->a->q + row * (size_t)shape->head_dim;
            tile.out[tile.n_rows] = to.base + out * to.stride;
            tile.first[tile.n_rows] = first_seen(j, t);
            tile.last[tile.n_rows] = last_seen(j, t);
            tile.slot[tile.n_rows] = j->b->slot[t];
            tile.slope[tile.n_rows] = tile.alibi ? j->a->alibi[h] : 0;
            tile.sink[tile.n_rows] = sink_of(j, h);
        }
    }
    if (tile.n_rows) j->s->be->k.attention_tile(&tile);
}

/* The parts of all KV heads together: the query heads of a KV head are cut into parts if one tile cannot take them all. */
static int32_t n_parts(const attention_job *j)
{
    return j->layer.form->shape.n_kv_heads * ((j->n_group + ATTN_ROWS - 1) / ATTN_ROWS);
}

static void attend(const attention_job *j, run r, int32_t part, int32_t chunk, destination to, float *scratch)
{
    int32_t each = (j->n_group + ATTN_ROWS - 1) / ATTN_ROWS, g = part % each * ATTN_ROWS;
    int32_t n = j->n_group - g < ATTN_ROWS ? j->n_group - g : ATTN_ROWS;
    attend_heads(j, r, part / each * j->n_group + g, n, chunk, to, scratch);
}

static destination result(const attention_job *j)
{
    return (destination){ j->out->f32, 0, (size_t)j->layer.form->shape.v_dim };
}

static void store_act(const attention_job *j, int32_t t)
{
    if (!(j->forms & ~ACT_F32)) return;
    act_store_row(j->s->be, j->out, t, j->out->f32 + (size_t)t * (size_t)j->out->n_cols, j->forms);
}

typedef struct tokens_job {
    attention_job j;
    int32_t max_tokens; /* of an item */
    int64_t n_items;
} tokens_job;

static void token_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const tokens_job *tj = arg;
    const attention_job *j = &tj->j;
    for (int64_t item = begin; item < end; item++) {
        /* From the last token to the first: in a prompt the last tokens take longest, so that the last items are short. */
        int32_t first = (int32_t)(tj->n_items - 1 - item) * tj->max_tokens, left = j->b->n_tokens - first;
        int32_t last = left < tj->max_tokens ? j->b->n_tokens : first + tj->max_tokens;
        for (int32_t t = first; t < last;) {
            run r = run_from(j, t, last, tj->max_tokens);
            for (int32_t part = 0; part < n_parts(j); part++)
                attend(j, r, part, ATTN_ALL, result(j), stream_row(j->s, thread));
            t = r.end;
        }
        for (int32_t t = first; t < last; t++) store_act(j, t);
    }
}

/* The number of tokens that fill the rows of a tile. */
static int32_t tokens_in_tile(int32_t n_group)
{
    return n_group < ATTN_ROWS ? ATTN_ROWS / n_group : 1;
}

static void attend_by_tokens(const attention_job *j)
{
    int32_t n_threads = pool_n_threads(j->s->threads), max_tokens = tokens_in_tile(j->n_group);
    /* If there are few tiles, smaller ones balance the load of the threads better. */
    while (max_tokens > 1 && j->b->n_tokens / max_tokens < 8 * n_threads && max_tokens * j->n_group > ATTN_ROWS / 4)
        max_tokens = (max_tokens + 1) / 2;
    tokens_job job = { *j, max_tokens, (j->b->n_tokens + max_tokens - 1) / max_tokens };
    pool_for(j->s->threads, job.n_items, 1, token_items, &job);
}

#define MAX_RUNS 64 /* in work that is cut by chunks */

typedef struct chunks_job {
    attention_job j;
    int32_t n_runs;
    run runs[MAX_RUNS];
    /* offset of the partial sums of a run: [n_chunks][tokens][n_heads][attn_partial_len] floats */
    size_t partials[MAX_RUNS];
} chunks_job;

static destination partials_of(const chunks_job *cj, int32_t i, int32_t chunk)
{
    const run *r = &cj->runs[i];
    size_t stride = (size_t)attn_partial_len(cj->j.layer.form->shape.v_dim);
    size_t rows = (size_t)(r->end - r->begin) * (size_t)cj->j.a->n_heads;
    return (destination){ cj->j.s->partials + cj->partials[i] + (size_t)(chunk - r->first_chunk) * rows * stride,
                          r->begin, stride };
}

static void chunk_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const chunks_job *cj = arg;
    int32_t parts = n_parts(&cj->j);
    for (int64_t item = begin; item < end; item++) { /* [run][chunk][part] */
        int64_t rest = item, n;
        int32_t i = 0;
        for (; rest >= (n = (int64_t)cj->runs[i].n_chunks * parts); i++) rest -= n;
        int32_t part = (int32_t)(rest % parts), chunk = cj->runs[i].first_chunk + (int32_t)(rest / parts);
        if (cj->runs[i].n_chunks == 1)
            attend(&cj->j, cj->runs[i], part, ATTN_ALL, result(&cj->j), stream_row(cj->j.s, thread));
        else attend(&cj->j, cj->runs[i], part, chunk, partials_of(cj, i, chunk), stream_row(cj->j.s, thread));
    }
}

/* Row (token t, head h) of run i from its partial sums. */
static void merge_row(const chunks_job *cj, int32_t i, int32_t t, int32_t h)
{
    const attention_job *j = &cj->j;
    const run *r = &cj->runs[i];
    int32_t first = first_seen(j, t) / ATTN_CHUNK;
    destination from = partials_of(cj, i, first);
    size_t row = (size_t)(t - r->begin) * (size_t)j->a->n_heads + (size_t)h;
    attention_merge_args args = { .head_dim = j->layer.form->shape.head_dim,
                                  .v_dim = j->layer.form->shape.v_dim,
                                  .n = last_seen(j, t) / ATTN_CHUNK - first + 1,
                                  .partials = from.base + row * from.stride,
                                  .stride = (size_t)(r->end - r->begin) * (size_t)j->a->n_heads * from.stride,
                                  .format = j->layer.form->shape.format,
                                  .sink = sink_of(j, h),
                                  .out = j->out->f32 + ((size_t)t * (size_t)j->a->n_heads + (size_t)h) *
                                                           (size_t)j->layer.form->shape.v_dim };
    j->s->be->k.attention_merge(&args);
}

static void merge_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const chunks_job *cj = arg;
    int32_t i = 0;
    for (int32_t t = (int32_t)begin; t < end; t++) {
        while (t >= cj->runs[i].end) i++;
        for (int32_t h = 0; h < cj->j.a->n_heads && cj->runs[i].n_chunks > 1; h++) merge_row(cj, i, t, h);
        store_act(&cj->j, t);
    }
}

/* Cuts the batch into runs. False if that is not worthwhile, or if their partial sums do not fit into STREAM_PARTIALS. */
static bool plan_chunks(chunks_job *cj)
{
    const attention_job *j = &cj->j;
    int32_t n_threads = pool_n_threads(j->s->threads), max_tokens = tokens_in_tile(j->n_group), longest = 0;
    int64_t work = 0;
    size_t used = 0, row = (size_t)attn_partial_len(j->layer.form->shape.v_dim) * (size_t)j->a->n_heads;
    for (int32_t t = 0; t < j->b->n_tokens; t = cj->runs[cj->n_runs++].end) {
        if (cj->n_runs == MAX_RUNS) return false;
        run r = run_from(j, t, j->b->n_tokens, max_tokens);
        cj->runs[cj->n_runs] = r;
        cj->partials[cj->n_runs] = used;
        if (r.n_chunks > 1) used += (size_t)r.n_chunks * (size_t)(r.end - r.begin) * row;
        longest = r.n_chunks > longest ? r.n_chunks : longest;
        work += r.n_chunks;
    }
    return used <= STREAM_PARTIALS && (int64_t)longest * n_threads * 4 > work;
}

static void attend_by_chunks(const chunks_job *cj)
{
    int64_t n_items = 0;
    for (int32_t i = 0; i < cj->n_runs; i++) n_items += (int64_t)cj->runs[i].n_chunks * n_parts(&cj->j);
    pool_for(cj->j.s->threads, n_items, 1, chunk_items, (void *)cj);
    pool_for(cj->j.s->threads, cj->j.b->n_tokens, 4, merge_items, (void *)cj);
}

/* out always has the f32 form; the other forms are computed from it. */
void cpu_attention(stream *s, act *out, int32_t forms, const kv_store *kv, int32_t layer, const batch *b,
                   const attention_args *args)
{
    const kv_shape *shape = &kv->forms[layer].shape;
    act_resize(out, b->n_tokens, args->n_heads * shape->v_dim);
    chunks_job job = { .j = { s, layer_blocks_of(kv, layer, b), b, args, out, forms,
                              args->n_heads / shape->n_kv_heads } };
    if (plan_chunks(&job)) attend_by_chunks(&job);
    else attend_by_tokens(&job.j);
}
