/* kv_store.c - the memory of the key/value cache on the CPU: one mapping, of n_blocks times the bytes of a block number
 * (kv_layout.h). kv_block.h draws the block of a layer in it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/error.h"
#include "base/mem.h"

void cpu_kv_destroy(kv_store *kv)
{
    if (!kv) return;
    mem_unmap(kv->data, kv->bytes);
    free(kv->forms);
    free(kv);
}

size_t cpu_kv_block_bytes(const backend *be, const kv_shape *shape)
{
    (void)be;
    return kv_block_form_of(shape).bytes;
}

sumi_status cpu_kv_create(const backend *be, kv_store **out, const kv_layout *layout, const kv_shape *shapes,
                          int32_t n_blocks, sumi_error *err)
{
    (void)be;
    *out = NULL;
    kv_store *kv = calloc(1, sizeof *kv);
    if (!kv || !(kv->forms = calloc((size_t)layout->n_layers, sizeof *kv->forms)) ||
        !mem_mul(layout->block_bytes, (size_t)n_blocks, &kv->bytes) || !(kv->data = mem_map(kv->bytes))) {
        cpu_kv_destroy(kv);
        return sumi_fail(err, SUMI_ENOMEM, "kv cache: no memory for %d blocks of %zu bytes", n_blocks,
                         layout->block_bytes);
    }
    kv->layout = *layout;
    for (int32_t i = 0; i < layout->n_layers; i++) {
        kv->forms[i] = kv_block_form_of(&shapes[i]);
        assert(layout->offset[i] + kv->forms[i].bytes <= layout->block_bytes);
    }
    *out = kv;
    return SUMI_OK;
}

static uint8_t *block_at(const kv_store *kv, int32_t block)
{
    return kv->data + (size_t)block * kv->layout.block_bytes;
}

static void copy_block(void *self, int32_t dst, int32_t src)
{
    const kv_store *kv = self;
    memcpy(block_at(kv, dst), block_at(kv, src), kv->layout.block_bytes);
}

static void read_block(const void *self, int32_t block, void *bytes)
{
    const kv_store *kv = self;
    memcpy(bytes, block_at(kv, block), kv->layout.block_bytes);
}

static void write_block(void *self, int32_t block, const void *bytes)
{
    const kv_store *kv = self;
    memcpy(block_at(kv, block), bytes, kv->layout.block_bytes);
}

static void clear_block(void *self, int32_t block)
{
    const kv_store *kv = self;
    memset(block_at(kv, block), 0, kv->layout.block_bytes);
}

kv_memory cpu_kv_memory(kv_store *kv)
{
    return (kv_memory){ kv, kv->layout.block_bytes, copy_block, read_block, write_block, clear_block };
}
