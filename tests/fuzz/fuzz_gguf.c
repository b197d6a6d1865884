/* fuzz_gguf.c - any bytes as a model file: opened, all that can be reached is read, small tensors are decoded.
 *
 * The stored corpus (tests/fuzz/corpus/gguf) is made by tests/golden/make_gguf.py with the Python package gguf. */
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "gguf_builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gguf *g;
    sumi_error err;
    if (gguf_open_memory(&g, data, n, "fuzz", &err) != SUMI_OK) {
        if (g || strncmp(err.message, "fuzz: ", 6) != 0 || strchr(err.message, '\n')) abort();
        return 0;
    }
    gguf_touch_all(g, 4096);
    char name[64];
    for (int64_t i = 0; i < gguf_n_tensors(g) && i < 1000; i++) { /* each tensor is found under its name */
        const gguf_tensor *t = gguf_tensor_at(g, i);
        if (t->name.n >= sizeof name || memchr(t->name.data, 0, t->name.n)) continue;
        memcpy(name, t->name.data, t->name.n);
        name[t->name.n] = '\0';
        if (gguf_find_tensor(g, name) != t) abort();
    }
    gguf_close(g);
    return 0;
}
