/* siphash.h - a keyed hash of short byte strings: SipHash-1-3 (Aumasson & Bernstein 2012).
 *
 * With a secret key nobody who only chooses the strings can make them collide on purpose. With a key that is known
 * it is a good checksum against accidents, and nothing more. */
#ifndef SUMI_BASE_SIPHASH_H
#define SUMI_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct sip_key {
    uint64_t k0, k1;
} sip_key;

sip_key sip_key_draw(void); /* from the kernel's random numbers */
uint64_t siphash(sip_key key, const void *bytes, size_t n);

#endif
