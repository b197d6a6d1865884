/* rng.h - random numbers that depend only on (seed, stream, counter).
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011). There is no state:
 * the n-th number of a request is the same whatever else runs. */
#ifndef SUMI_BASE_RNG_H
#define SUMI_BASE_RNG_H

#include <stdint.h>

/* Four 32-bit words for the 128-bit counter and the 64-bit key. */
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Uniform in [0, 1), 53 bits. */
double rng_uniform(uint64_t seed, uint64_t stream, uint64_t counter);

#endif
