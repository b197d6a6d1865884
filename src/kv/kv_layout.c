/* kv_layout.c - layers into groups. See kv_layout.h.
 *
 * The larger a group, the fewer tables; the smaller, the fewer empty places, as each kind fills its last group only
 * in part. The size is the largest that leaves at most one place in 25 empty: 4 and 22 layers give groups of 2, and
 * 5 and 29, which have no common divisor, still give groups of 5 with a single empty place. */
#include "kv/kv_layout.h"

#include <assert.h>

#define MAX_EMPTY_SHARE 25

typedef struct kinds {
    int32_t n;
    int32_t window[KV_MAX_LAYERS], n_layers[KV_MAX_LAYERS]; /* [n] */
} kinds;

static int32_t kind_of(kinds *k, int32_t window)
{
    int32_t i = 0;
    while (i < k->n && k->window[i] != window) i++;
    if (i == k->n) k->window[k->n++] = window;
    return i;
}

static int32_t groups_of_size(const kinds *k, int32_t size)
{
    int32_t n = 0;
    for (int32_t i = 0; i < k->n; i++) n += (k->n_layers[i] + size - 1) / size;
    return n;
}

static int32_t choose_size(const kinds *k, int32_t n_layers)
{
    int32_t size = n_layers;
    for (int32_t i = 0; i < k->n; i++)
        if (k->n_layers[i] && k->n_layers[i] < size) size = k->n_layers[i];
    while (size > 1 && (groups_of_size(k, size) * size - n_layers) * MAX_EMPTY_SHARE > n_layers) size--;
    return size;
}

void kv_layout_init(kv_layout *l, int32_t n_layers, const int32_t *windows, int32_t n_kv_heads,
                    int32_t head_dim, bool f32)
{
    assert(n_layers > 0 && n_layers <= KV_MAX_LAYERS);
    kinds k = { .n = 1 }; /* kind 0 sees all tokens, so its groups come first */
    for (int32_t i = 0; i < n_layers; i++) k.n_layers[kind_of(&k, windows[i])]++;
    *l = (kv_layout){ .n_layers = n_layers,
                      .n_kv_heads = n_kv_heads,
                      .head_dim = head_dim,
                      .v_dim = head_dim,
                      .f32 = f32,
                      .group_size = choose_size(&k, n_layers) };
    for (int32_t kind = 0; kind < k.n; kind++) {
        int32_t in_kind = 0;
        for (int32_t i = 0; i < n_layers; i++) {
            if (windows[i] != k.window[kind]) continue;
            l->group[i] = (int16_t)(l->n_groups + in_kind / l->group_size);
            l->place[i] = (int16_t)(in_kind++ % l->group_size);
            l->window[l->group[i]] = windows[i];
        }
        l->n_groups += (in_kind + l->group_size - 1) / l->group_size;
    }
}

void kv_layout_init_shared(kv_layout *l, int32_t n_kv_heads, int32_t head_dim, bool f32)
{
    const int32_t window = 0;
    kv_layout_init(l, 1, &window, n_kv_heads, head_dim,
                   f32); /* group and place of every other layer are 0, too */
}

void kv_layout_make_latent(kv_layout *l, int32_t v_dim)
{
    assert(v_dim > 0 && v_dim <= l->head_dim);
    l->v_dim = v_dim;
    l->latent = true;
}

int64_t kv_layout_seq_blocks(const kv_layout *l, int32_t n_tokens, int32_t max_step)
{
    int64_t n = 0, all = kv_blocks_for(n_tokens);
    for (int32_t g = 0; g < l->n_groups; g++) {
        /* A step of m tokens touches window - 1 + m positions; their first block and their last may be cut. */
        int64_t in_window = ((int64_t)l->window[g] + max_step - 3 + KV_BLOCK) / KV_BLOCK + 1;
        n += l->window[g] && in_window < all ? in_window : all;
    }
    return n;
}
