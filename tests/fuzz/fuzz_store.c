/* fuzz_store.c - any tree of files as the folder of models: scanned, and each model found by its name. The bytes are paths
 * whose components come from a list of those that mean something. */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/lock.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MAX_FILES 12
#define MAX_DEPTH 7

static const char *const parts[] = {
    "hf",
    "ollama",
    "url",
    "owner",
    "name",
    "name@v1",
    "x.gguf",
    "x-Q4_0.gguf",
    "model.gguf",
    "a.part",
    "x.gguf.part",
    "x-00001-of-00002.gguf",
    "config.json",
    "model.safetensors",
    "registry.ollama.ai",
    "library",
    "llama",
    "1b",
};

/* The next path below `root`: each byte chooses a component, 255 ends it. Returns the bytes that it took. */
static size_t take_path(const uint8_t *data, size_t n, char *out, size_t n_out, const char *root)
{
    size_t used = (size_t)snprintf(out, n_out, "%s", root), i = 0;
    for (; i < n && data[i] != 255 && i < MAX_DEPTH; i++)
        used += (size_t)snprintf(out + used, n_out - used, "/%s", parts[data[i] % (sizeof parts / sizeof *parts)]);
    return i + 1;
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *where)
{
    (void)s, (void)kind, (void)where;
    return remove(path);
}

static void make_file(char *path)
{
    char *slash = strrchr(path, '/');
    *slash = '\0';
    bool ok = folder_create(path, NULL) == SUMI_OK;
    *slash = '/';
    FILE *f = ok ? fopen(path, "wx") : NULL;
    if (f) fclose(f);
}

static void look(const char *root)
{
    static store_places places;
    store_list list;
    char path[STORE_MAX_PATH];
    sumi_error err;
    store_places_init(&places, root, NULL, "/nowhere");
    if (store_scan(&places, &list, &err) == SUMI_OK)
        for (int32_t i = 0; i < list.n; i++) {
            const char *name = list.models[i].name;
            if (strlen(name) > STORE_MAX_PATH) abort();
            (void)!store_find(&places, name, path, sizeof path, &err);
        }
    store_list_deinit(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char root[] = "/tmp/sumi-fuzz-store-XXXXXX", path[STORE_MAX_PATH];
    if (!mkdtemp(root)) return 0;
    for (size_t i = 0, files = 0; i < n && files < MAX_FILES; files++) {
        i += take_path(data + i, n - i, path, sizeof path, root);
        if (strlen(path) > strlen(root)) make_file(path);
    }
    look(root);
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
