/* kv_swap.h - the swap file, which holds blocks of swapped sequences: slots of one block each.
 *
 * The file has no name: it is unlinked as soon as it is open, so no file is left behind and no other process can open
 * it. Its whole size is allocated at the start, so a full disk is noticed then and not in the middle of an answer.
 * Threads: none. */
#ifndef SUMI_KV_KV_SWAP_H
#define SUMI_KV_KV_SWAP_H

#include "sumi.h"

typedef struct kv_swap kv_swap;

/* bytes / slot_bytes slots in a new file of folder dir. ELIMIT: not even one slot; EIO: the file cannot be made in dir. */
SUMI_MUST_USE sumi_status kv_swap_create(kv_swap **out, const char *dir, size_t bytes, size_t slot_bytes,
                                         sumi_error *err);
void kv_swap_destroy(kv_swap *s); /* NULL is fine */

int32_t kv_swap_n_slots(const kv_swap *s);
int32_t kv_swap_n_free(const kv_swap *s);

int32_t kv_swap_take(kv_swap *s); /* -1: none is free */
void kv_swap_give(kv_swap *s, int32_t slot);

SUMI_MUST_USE sumi_status kv_swap_write(kv_swap *s, int32_t slot, const void *bytes, sumi_error *err); /* slot_bytes */
SUMI_MUST_USE sumi_status kv_swap_read(const kv_swap *s, int32_t slot, void *bytes, sumi_error *err);

#endif
