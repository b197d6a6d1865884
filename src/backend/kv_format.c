/* kv_format.c - see kv_format.h. */
#include "backend/kv_format.h"

#include <assert.h>

const char *kv_format_name(kv_format format)
{
    static const char *const names[KV_N_FORMATS] = { [KV_F16] = "f16", [KV_F32] = "f32" };
    assert(format >= 0 && format < KV_N_FORMATS);
    return names[format];
}
