/* amx_emulated.c - panels.h of the level amx on emulated tiles. Compiled with the flags of avx512. */
#include "amx_emulated.h"

#if defined(__x86_64__)
#include "tile_emulation.h"
#include "backend/cpu/amx/panels.h"

void kernels_emulate_amx(kernels *k)
{
    set_panels(k);
}
#else
void kernels_emulate_amx(kernels *k)
{
    (void)k; /* never called: the level avx512 does not exist */
}
#endif
