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
    model_source *src;
    sumi_error err;
    if (gguf_open_memory(&src, data, n, "fuzz", &err) != SUMI_OK) {
        if (src || strncmp(err.message, "fuzz: ", 6) != 0 || strchr(err.message, '\n')) abort();
        return 0;
    }
    test_touch_source(src, 4096);
    char name[64];
    for (int64_t i = 0; i < model_source_n_tensors(src) && i < 1000; i++) { /* each tensor is found under its name */
        const source_tensor *t = model_source_tensor_at(src, i);
        if (t->name.n >= sizeof name || memchr(t->name.data, 0, t->name.n)) continue;
        memcpy(name, t->name.data, t->name.n);
        name[t->name.n] = '\0';
        if (model_source_find_tensor(src, name) != t) abort();
    }
    model_source_close(src);
    return 0;
}
