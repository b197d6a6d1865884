/* fuzz_safetensors.c - any bytes as a safetensors file: opened, and each byte that can be reached is read. */
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "format/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    safetensors *s;
    sumi_error err;
    if (st_open_memory(&s, data, n, "fuzz", &err) != SUMI_OK) {
        if (s || strncmp(err.message, "fuzz: ", 6) != 0 || strchr(err.message, '\n')) abort();
        return 0;
    }
    volatile uint64_t sum = 0; /* so that no read is left out */
    size_t n_data = 0;
    for (int64_t i = 0; i < st_n_tensors(s); i++) {
        const st_tensor *t = st_tensor_at(s, i);
        sum ^= siphash((sip_key){ 0, 0 }, t->data, t->n_bytes) + strlen(t->name) + strlen(st_type_name(t->type));
        n_data += t->n_bytes;
    }
    (void)sum;
    if (n_data > n) abort();
    st_close(s);
    return 0;
}
