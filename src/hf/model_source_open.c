/* model_source_open.c - see model_source_open.h. */
#include "hf/model_source_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "format/gguf.h"
#include "format/safetensors.h"
#include "hf/hf.h"

/* The folder of a file: of "a/b.safetensors" it is "a", of "b.safetensors" ".". */
static sumi_status open_folder_of(model_source **out, const char *path, const logger *log, sumi_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = hf_open(out, folder, log, err);
    free(folder);
    return st;
}

/* Some GGUF files are called model.bin, too. */
static bool begins_as_gguf(const char *path)
{
    char magic[4] = "";
    FILE *f = fopen(path, "rbe");
    bool is = f && fread(magic, 1, sizeof magic, f) == sizeof magic && !memcmp(magic, "GGUF", sizeof magic);
    if (f) fclose(f);
    return is;
}

sumi_status model_source_open(model_source **out, const char *path, const logger *log, sumi_error *err)
{
    struct stat s;
    const char *dot = strrchr(path, '.');
    bool there = stat(path, &s) == 0;
    *out = NULL;
    if (there && S_ISDIR(s.st_mode)) return hf_open(out, path, log, err);
    if (dot && !strcmp(dot, ".safetensors")) return open_folder_of(out, path, log, err);
    if (there && S_ISREG(s.st_mode) && st_is_pickle(path) && !begins_as_gguf(path))
        return sumi_fail(err, SUMI_EUNSUPPORTED,
                         "%s: a pickle file, which can run any code when it is read; use a version with safetensors",
                         sumi_path_end(path));
    return gguf_open(out, path, err);
}
