/* kv_memory.h - the operations of this room on the bytes of a block. The backend that owns the memory supplies them
 * (backend.h); tests supply an array. A block here is the block in all layers of the group that holds its number. */
#ifndef SUMI_KV_KV_MEMORY_H
#define SUMI_KV_KV_MEMORY_H

#include <stddef.h>
#include <stdint.h>

typedef struct kv_memory {
    void *self;
    size_t block_bytes;
    void (*copy)(void *self, int32_t dst, int32_t src);
    void (*read)(const void *self, int32_t block, void *bytes);  /* block_bytes of them, out of the block */
    void (*write)(void *self, int32_t block, const void *bytes); /* and into it */
    void (*clear)(void *self, int32_t block);                    /* all bytes become 0, as they are in the beginning */
} kv_memory;

#endif
