/* kv_layout.c - layers into groups. See kv_layout.h.
 *
 * This file chooses block_bytes, the bytes of a block number. With more bytes there are fewer groups, so fewer tables.
 * With fewer bytes fewer are empty: the last group of each kind is filled only in part, and the layers of a group may not fill
 * the whole block. block_bytes is the largest number with which at most one byte in 25 is empty. Examples: 4 and 22 layers of
 * one format give groups of 2; 5 and 29 layers, which have no common divisor, give groups of 5 with a single empty place. If
 * no number leaves so little empty, the number that leaves the fewest empty bytes is taken. */
#include "kv/kv_layout.h"

#include <assert.h>

#include "base/siphash.h"

#define MAX_EMPTY_SHARE 25

typedef struct kind {
    kv_layer each;
    int32_t n_layers;
} kind;

typedef struct kinds {
    int32_t n;
    size_t bytes; /* of all layers */
    kind of[KV_MAX_LAYERS];
} kinds;

static bool is_of_kind(const kind *k, const kv_layer *layer)
{
    return k->each.window == layer->window && k->each.format == layer->format &&
           k->each.block_bytes == layer->block_bytes;
}

static void add_layer(kinds *k, const kv_layer *layer)
{
    int32_t i = 0;
    assert(layer->block_bytes > 0 && layer->block_bytes <= KV_MAX_LAYER_BYTES);
    while (i < k->n && !is_of_kind(&k->of[i], layer)) i++;
    if (i == k->n) k->of[k->n++] = (kind){ .each = *layer };
    k->of[i].n_layers++;
    k->bytes += layer->block_bytes;
}

static int32_t groups_of_kind(const kind *k, size_t block_bytes)
{
    int32_t size = (int32_t)(block_bytes / k->each.block_bytes);
    return (k->n_layers + size - 1) / size;
}

/* Bytes in one block of each group. */
static size_t bytes_of_groups(const kinds *k, size_t block_bytes)
{
    size_t n = 0;
    for (int32_t i = 0; i < k->n; i++) n += (size_t)groups_of_kind(&k->of[i], block_bytes);
    return n * block_bytes;
}

/* True if a is a better number of bytes for a block number than b. */
static bool is_better(const kinds *k, size_t a, size_t b)
{
    size_t empty_a = bytes_of_groups(k, a) - k->bytes, empty_b = bytes_of_groups(k, b) - k->bytes;
    bool few_a = empty_a * MAX_EMPTY_SHARE <= k->bytes, few_b = empty_b * MAX_EMPTY_SHARE <= k->bytes;
    if (few_a != few_b) return few_a;
    return few_a || empty_a == empty_b ? a > b : empty_a < empty_b;
}

/* At least a layer of each kind, and at most all layers of the kind with the fewest bytes. */
static size_t choose_block_bytes(const kinds *k)
{
    size_t least = 0, most = SIZE_MAX, best = 0;
    for (int32_t i = 0; i < k->n; i++) {
        size_t each = k->of[i].each.block_bytes, all = each * (size_t)k->of[i].n_layers;
        least = each > least ? each : least;
        most = all < most ? all : most;
    }
    for (int32_t i = 0; i < k->n; i++)
        for (size_t n = 1; n <= (size_t)k->of[i].n_layers; n++) {
            size_t bytes = n * k->of[i].each.block_bytes;
            if (bytes < least || (bytes > most && bytes > least)) continue;
            if (best == 0 || is_better(k, bytes, best)) best = bytes;
        }
    return best;
}

static int16_t first_alike(const kv_layout *l, int32_t g)
{
    int32_t i = 0;
    while (l->format[i] != l->format[g] || l->layer_bytes[i] != l->layer_bytes[g]) i++;
    return (int16_t)i;
}

void kv_layout_init(kv_layout *l, const kv_layer *layers, int32_t n_layers)
{
    kinds k = { 0 };
    assert(n_layers > 0 && n_layers <= KV_MAX_LAYERS);
    for (int32_t i = 0; i < n_layers; i++)
        if (layers[i].window == 0) add_layer(&k, &layers[i]);
    for (int32_t i = 0; i < n_layers; i++)
        if (layers[i].window != 0) add_layer(&k, &layers[i]);
    *l = (kv_layout){ .n_layers = n_layers, .block_bytes = choose_block_bytes(&k) };
    for (int32_t j = 0; j < k.n; j++) {
        const kv_layer *each = &k.of[j].each;
        int32_t in_kind = 0, size = (int32_t)(l->block_bytes / each->block_bytes);
        for (int32_t i = 0; i < n_layers; i++) {
            if (!is_of_kind(&k.of[j], &layers[i])) continue;
            l->group[i] = (int16_t)(l->n_groups + in_kind / size);
            l->offset[i] = (size_t)(in_kind++ % size) * each->block_bytes;
            l->layer_bytes[l->group[i]] = each->block_bytes;
            l->window[l->group[i]] = each->window;
            l->format[l->group[i]] = each->format;
        }
        l->n_groups += groups_of_kind(&k.of[j], l->block_bytes);
    }
    for (int32_t g = 0; g < l->n_groups; g++) l->inside[g] = first_alike(l, g);
    l->empty_bytes = (size_t)l->n_groups * l->block_bytes - k.bytes;
}

void kv_layout_init_shared(kv_layout *l, kv_layer each, int32_t n_layers)
{
    assert(each.window == 0 && n_layers > 0 && n_layers <= KV_MAX_LAYERS);
    kv_layout_init(l, &each, 1);
    l->n_layers = n_layers; /* group and offset of every other layer are 0, too */
}

uint64_t kv_layout_hash(const kv_layout *l)
{
    const sip_key known = { 0 };
    size_t n = (size_t)l->n_groups;
    const uint64_t parts[] = { siphash(known, l->window, n * sizeof *l->window),
                               siphash(known, l->format, n * sizeof *l->format),
                               siphash(known, l->layer_bytes, n * sizeof *l->layer_bytes), l->block_bytes };
    return siphash(known, parts, sizeof parts);
}

int64_t kv_layout_seq_blocks(const kv_layout *l, int32_t n_tokens, int32_t max_step)
{
    int64_t n = 0, all = kv_blocks_for(n_tokens);
    for (int32_t g = 0; g < l->n_groups; g++) {
        /* A step of m tokens touches window - 1 + m positions; of their first and last block it may touch only a part. */
        int64_t in_window = ((int64_t)l->window[g] + max_step - 3 + KV_BLOCK) / KV_BLOCK + 1;
        n += l->window[g] && in_window < all ? in_window : all;
    }
    return n;
}
