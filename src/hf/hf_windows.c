/* hf_windows.c - which layers have a sliding window: config.json says it by layer_types, by a pattern, by a switch, or
 * leaves it to the family. */
#include <string.h>

#include "hf/hf_keys.h"

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Every n-th layer sees all tokens, by a number or by letters: "LLLG". 0: all layers have a window. */
static int64_t read_pattern(hf_keys *k)
{
    int64_t usual = k->family->window_pattern, n;
    const char *name = hf_get(k, "sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
    const char *letters = json_string_value(hf_get(k, name));
    if (!letters) return hf_int(k, NAMES(name), 0, 4096, usual);
    for (n = 0; letters[n] == 'L';) n++;
    if (n > 0 && !strcmp(letters + n, "G")) return n + 1;
    hf_fail(k, SUMI_EUNSUPPORTED, "'%s' is '%.20s': only patterns like LLLG are supported", name, letters);
    return usual;
}

/* Qwen's files from before layer_types: the upper layers have a window, or those of another rule. */
static bool by_switch(const hf_keys *k, int64_t layer, int64_t max_layers)
{
    if (!strcmp(k->family->arch, "qwen3moe")) return true;
    if (!strcmp(k->family->arch, "qwen2moe")) return layer % 2 == 0 && layer < max_layers;
    return layer >= max_layers;
}

static bool has_type(hf_keys *k, const json_t *types, int64_t layer, const char *windowed)
{
    const char *type = json_string_value(json_array_get(types, (size_t)layer));
    bool is = type && !strcmp(type, windowed);
    if (!is && (!type || strcmp(type, "full_attention") != 0))
        hf_fail(k, SUMI_EUNSUPPORTED, "'layer_types' has '%.40s': not supported", type ? type : "?");
    return is;
}

/* A family that has no windows, or chunks by a pattern that readers know (Llama 4): the list must agree. */
static void expect_pattern(hf_keys *k, const json_t *types)
{
    bool chunks = !strcmp(k->family->arch, "llama4");
    for (size_t i = 0; i < json_array_size(types) && k->status == SUMI_OK; i++)
        if (has_type(k, types, (int64_t)i, chunks ? "chunked_attention" : "full_attention") !=
            (!chunks || (i + 1) % 4 != 0))
            hf_fail(k, SUMI_EUNSUPPORTED, "'layer_types' is not every fourth layer: not supported");
}

/* A list in the file overrides the pattern that readers know. A list that agrees with the pattern is not written, unless
 * published files of the family have it. */
static void write(hf_keys *k, const json_t *types, int64_t window)
{
    char key[128];
    uint8_t has[4096];
    int64_t pattern = read_pattern(k), usual = k->family->window_pattern, n_windows = 0;
    int64_t max_layers = hf_int(k, NAMES("max_window_layers"), 0, 4096, 28);
    bool switched = k->family->traits & HF_WINDOW_SWITCH, as_usual = true;
    for (int64_t i = 0; i < k->n_layers; i++) {
        if (types) has[i] = has_type(k, types, i, "sliding_attention");
        else if (switched) has[i] = by_switch(k, i, max_layers);
        else has[i] = pattern == 0 || (i + 1) % pattern != 0;
        n_windows += has[i];
        as_usual = as_usual && has[i] == (usual == 0 || (i + 1) % usual != 0);
    }
    if (n_windows == 0) return;
    hf_put_int(k, "attention.sliding_window", window);
    if (as_usual && !(k->family->traits & HF_LIST_WINDOWS)) return;
    snprintf(key, sizeof key, "%s.attention.sliding_window_pattern", k->family->arch);
    gguf_put_array(k->head, key, GGUF_BOOL, (uint64_t)k->n_layers);
    gguf_put_elements(k->head, has, (size_t)k->n_layers);
}

void hf_windows(hf_keys *k)
{
    const json_t *types = hf_get(k, "layer_types");
    if (!(k->family->traits & HF_WINDOWS)) {
        expect_pattern(k, types);
        return;
    }
    int64_t otherwise = hf_has(k, "sliding_window") ? 0 : k->family->window;
    int64_t window = hf_int(k, NAMES("sliding_window"), 0, INT32_MAX, otherwise);
    bool on = hf_bool(k, "use_sliding_window", !(k->family->traits & HF_WINDOW_SWITCH));
    if (types && json_array_size(types) != (size_t)k->n_layers)
        hf_fail(k, SUMI_EFORMAT, "'layer_types' has %zu entries, not %lld", json_array_size(types),
                (long long)k->n_layers);
    for (size_t i = 0; i < json_array_size(types) && k->status == SUMI_OK; i++)
        has_type(k, types, (int64_t)i, "sliding_attention");
    read_pattern(k);
    if (window && on && k->status == SUMI_OK) write(k, types, window);
}
