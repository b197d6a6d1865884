/* kv_store.c - the memory of the key/value cache on the CPU: one mapping, with the layout of kv_layout.h. A block
 * number names group_size pieces, n_blocks pieces apart; in a moved copy the pieces lie one after the other. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/error.h"
#include "base/mem.h"

void cpu_kv_destroy(kv_store *kv)
{
    if (!kv) return;
    mem_unmap(kv->data, kv->bytes);
    free(kv);
}

sumi_status cpu_kv_create(const backend *be, kv_store **out, const kv_layout *layout, int32_t n_blocks,
                          sumi_error *err)
{
    (void)be;
    *out = NULL;
    size_t bytes;
    kv_store *kv = calloc(1, sizeof *kv);
    if (!kv || !mem_mul(kv_block_bytes(layout), (size_t)n_blocks, &bytes) || !(kv->data = mem_map(bytes))) {
        free(kv);
        return sumi_fail(err, SUMI_ENOMEM, "kv cache: no memory for %d blocks of %zu bytes", n_blocks,
                         kv_block_bytes(layout));
    }
    kv->layout = *layout;
    kv->n_blocks = n_blocks;
    kv->bytes = bytes;
    *out = kv;
    return SUMI_OK;
}

void kv_make_finite(uint16_t *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        bool finite = (values[i] & 0x7c00) != 0x7c00;
        values[i] = finite ? values[i] : (uint16_t)((values[i] & 0x8000) | 0x7bff);
    }
}

static size_t piece_bytes(const kv_store *kv)
{
    return kv_block_elems(&kv->layout) * kv_elem_bytes(&kv->layout);
}

static uint8_t *piece(const kv_store *kv, int32_t block, int32_t place)
{
    return kv->data + ((size_t)place * (size_t)kv->n_blocks + (size_t)block) * piece_bytes(kv);
}

static void copy_block(void *self, int32_t dst, int32_t src)
{
    const kv_store *kv = self;
    for (int32_t i = 0; i < kv->layout.group_size; i++)
        memcpy(piece(kv, dst, i), piece(kv, src, i), piece_bytes(kv));
}

static void read_block(const void *self, int32_t block, void *bytes)
{
    const kv_store *kv = self;
    for (int32_t i = 0; i < kv->layout.group_size; i++)
        memcpy((uint8_t *)bytes + (size_t)i * piece_bytes(kv), piece(kv, block, i), piece_bytes(kv));
}

static void write_block(void *self, int32_t block, const void *bytes)
{
    const kv_store *kv = self;
    for (int32_t i = 0; i < kv->layout.group_size; i++)
        memcpy(piece(kv, block, i), (const uint8_t *)bytes + (size_t)i * piece_bytes(kv), piece_bytes(kv));
}

kv_memory cpu_kv_memory(kv_store *kv)
{
    return (kv_memory){ kv, kv_block_bytes(&kv->layout), copy_block, read_block, write_block };
}
