/* text_file.c - see text_file.h. */
#include "cli/text_file.h"

#include <string.h>

#include "cli/cli.h"

size_t text_bom_bytes(const char *text, size_t n)
{
    static const char bom[] = "\xEF\xBB\xBF";
    return n >= 3 && !memcmp(text, bom, 3) ? 3 : 0;
}

sumi_status cli_read_text(const char *path, size_t max_bytes, char **text, size_t *n_bytes, sumi_error *err)
{
    sumi_status st = cli_read_file(path, max_bytes, text, n_bytes, err);
    if (st != SUMI_OK) return st;
    char *data = *text;
    size_t n = 0;
    for (size_t i = text_bom_bytes(data, *n_bytes); i < *n_bytes; i++)
        if (data[i] != '\r' || data[i + 1] != '\n') data[n++] = data[i]; /* data is NUL-terminated */
    data[n] = '\0';
    *n_bytes = n;
    return SUMI_OK;
}
