/* amx_emulated.h - the level amx for machines without it: its own source on emulated tiles, the rest of it on AVX-512. */
#ifndef AMX_EMULATED_H
#define AMX_EMULATED_H

#include "backend/cpu/kernels.h"

/* Replaces the products of a table of the level avx512, which the machine must have. */
void kernels_emulate_amx(kernels *k);

#endif
