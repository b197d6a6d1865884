/* model_file.c - see model_file.h. */
#include "convert/model_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "convert/hf.h"
#include "convert/hf_folder.h"
#include "format/map_file.h"

/* The folder of a file: of "a/b.safetensors" it is "a", of "b.safetensors" ".". */
static sumi_status open_folder_of(gguf **out, const char *path, sumi_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = hf_open(out, folder, err);
    free(folder);
    return st;
}

sumi_status model_file_open(gguf **out, const char *path, sumi_error *err)
{
    struct stat s;
    const char *dot = strrchr(path, '.');
    *out = NULL;
    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode)) return hf_open(out, path, err);
    if (dot && !strcmp(dot, ".safetensors")) return open_folder_of(out, path, err);
    if (!hf_is_pickle(path)) return gguf_open(out, path, err);
    sumi_error why;
    sumi_status st = gguf_open(out, path, &why); /* some GGUF files are called model.bin */
    if (st == SUMI_EFORMAT && strstr(why.message, "not a GGUF file"))
        return sumi_fail(
            err, SUMI_EUNSUPPORTED,
            "%s: a pickle file, which can run any code when it is read; use a version with safetensors",
            map_short_name(path));
    if (err && st != SUMI_OK) *err = why;
    return st;
}
