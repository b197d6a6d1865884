/* fuzz_hf.c - any bytes as a Hugging Face folder: a line of config.json, a line of tokenizer.json, and the bytes of
 * model.safetensors. What can be described is read: keys, tensors as they are and as they are made.
 *
 * The stored corpus is made by tests/golden/make_fuzz_hf.py. */
#include <stdlib.h>
#include <string.h>

#include "gguf_builder.h"
#include "hf/hf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The JSON up to the end of the line, or of the input. */
static json_t *take_line(const uint8_t **data, size_t *n)
{
    const uint8_t *end = memchr(*data, '\n', *n);
    size_t length = end ? (size_t)(end - *data) : *n;
    json_t *json = json_loadb((const char *)*data, length, JSON_ALLOW_NUL, NULL);
    *data += length + (end != NULL);
    *n -= length + (end != NULL);
    if (json_is_object(json)) return json;
    json_decref(json);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    model_source *src;
    sumi_error err;
    hf_folder f = { .path = strdup("fuzz") };
    f.config = take_line(&data, &n);
    f.tokenizer = take_line(&data, &n);
    f.tokenizer_config = json_incref(f.config);
    f.generation = json_incref(f.config);
    f.files = calloc(1, sizeof *f.files);
    if (st_open_memory(f.files, data, n, "fuzz.safetensors", NULL) == SUMI_OK) f.n_files = 1;
    if (!f.config && !f.tokenizer) {
        hf_folder_deinit(&f);
        return 0;
    }
    if (hf_describe(&src, &f, NULL, &err) != SUMI_OK) {
        if (src || strchr(err.message, '\n')) abort();
        return 0;
    }
    test_touch_source(src, 1 << 16);
    model_source_close(src);
    return 0;
}
