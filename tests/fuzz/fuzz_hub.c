/* fuzz_hub.c - any bytes as what a hub answers. The first byte chooses: a list of files, a manifest, a header, a reference.
 * What comes through must be safe to use as a path, and choosing among it must end. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/hub.h"
#include "store/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_paths(const repo *r)
{
    char label[NAME_MAX_PART + 1];
    bool *chosen = calloc((size_t)r->n + 1, sizeof *chosen);
    if (!chosen) return;
    for (int32_t i = 0; i < r->n; i++) {
        const char *path = r->files[i].path;
        if (*path == '/' || strstr(path, "..") == path || strstr(path, "/../") || strchr(path, '\\')) abort();
        repo_label(path, label, sizeof label);
        if (repo_choose_gguf(r, label, chosen, NULL) == SUMI_OK && !repo_first(r, chosen)) abort();
    }
    (void)!repo_choose_gguf(r, "", chosen, NULL);
    (void)!repo_choose_safetensors(r, chosen, NULL);
    free(chosen);
}

static void try_reference(const char *text)
{
    model_ref ref;
    sumi_error err;
    char folder[REF_MAX_URL + NAME_MAX_PATH + 1];
    if (ref_parse(&ref, text, &err) != SUMI_OK || ref_folder(&ref, folder, sizeof folder, &err) != SUMI_OK) return;
    if (!name_is_path(folder) || (*ref.what && !name_is_path(ref.what))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char left_out[64], url[64];
    repo r = { 0 };
    sumi_error err;
    if (n == 0 || n > 20000) return 0;
    char *text = strndup((const char *)data + 1, n - 1);
    if (!text) return 0;
    switch (data[0] % 4) {
    case 0: (void)!hub_read_list(&r, (const char *)data + 1, n - 1, &err); break;
    case 1: (void)!hub_read_manifest(&r, (const char *)data + 1, n - 1, left_out, sizeof left_out, &err); break;
    case 2: hub_next_link(text, url, sizeof url); break;
    default: try_reference(text);
    }
    if (r.n < 200) check_paths(&r);
    repo_deinit(&r);
    free(text);
    return 0;
}
