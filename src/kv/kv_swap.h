/* kv_swap.h - a region of a file where blocks of sequences wait: slots of one block each.
 *
 * The file has no name: it is unlinked as soon as it is open, so that nothing stays behind and nobody else opens
 * it. Its whole size is taken at the start; a full disk is found then, not in the middle of an answer.
 * Threads: none. */
#ifndef SUMI_KV_KV_SWAP_H
#define SUMI_KV_KV_SWAP_H

#include "sumi.h"

typedef struct kv_swap kv_swap;

/* bytes / slot_bytes slots in a new file of folder dir. ELIMIT: not even one slot; EIO: dir cannot hold it. */
SUMI_MUST_USE sumi_status kv_swap_create(kv_swap **out, const char *dir, size_t bytes, size_t slot_bytes,
                                         sumi_error *err);
void kv_swap_destroy(kv_swap *s); /* NULL is fine */

int32_t kv_swap_n_slots(const kv_swap *s);
int32_t kv_swap_n_free(const kv_swap *s);

int32_t kv_swap_take(kv_swap *s); /* -1: none is free */
void kv_swap_give(kv_swap *s, int32_t slot);

SUMI_MUST_USE sumi_status kv_swap_write(kv_swap *s, int32_t slot, const void *bytes,
                                        sumi_error *err); /* slot_bytes */
SUMI_MUST_USE sumi_status kv_swap_read(const kv_swap *s, int32_t slot, void *bytes, sumi_error *err);

#endif
