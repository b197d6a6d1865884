/* linear.c - matrix products with AMX: panels.h on the instructions themselves. All else of this level is AVX-512. */
#include "backend/cpu/amx/tile.h"
#include "backend/cpu/amx/panels.h"

void kernels_init_amx(kernels *k)
{
    set_panels(k);
}
