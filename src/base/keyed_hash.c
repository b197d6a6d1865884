/* keyed_hash.c - see keyed_hash.h. */
#include "base/keyed_hash.h"

#include <sys/random.h>

hash_key hash_key_draw(void)
{
    hash_key k = { (uint64_t)(uintptr_t)&k, 0x9E3779B97F4A7C15u };
    uint64_t drawn[2] = { 0, 0 };
    if (getrandom(drawn, sizeof drawn, GRND_NONBLOCK) == (ssize_t)sizeof drawn) k = (hash_key){ drawn[0], drawn[1] };
    k.k1 |= 1u << 31 | 1; /* never zero, and not tiny: a small factor would leave the upper half empty */
    return k;
}
