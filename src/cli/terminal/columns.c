/* columns.c - see columns.h. */
#include "cli/terminal/columns.h"

#include <string.h>
#include <sys/ioctl.h>
#include <utf8proc.h>

#include "base/printable.h"

int columns_of_terminal(int fd, int otherwise)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : otherwise;
}

/* Columns of the character at text; *len: its bytes. */
static int character(const char *text, size_t n, size_t *len)
{
    uint32_t code;
    *len = printable_utf8(text, n, &code);
    return code == UINT32_MAX ? 1 : utf8proc_charwidth((utf8proc_int32_t)code);
}

int columns_of_text(const char *text, size_t n)
{
    int width = 0;
    for (size_t i = 0, len; i < n; i += len) width += character(text + i, n - i, &len);
    return width;
}

void columns_fit(char *out, size_t n_out, const char *text, int columns)
{
    static const char dots[] = "...";
    size_t n = strlen(text), len, i = 0;
    bool cut = columns_of_text(text, n) > columns || n >= n_out;
    int room = columns - (cut ? 3 : 0), width = 0;
    size_t most = n_out - (cut ? sizeof dots : 1);
    for (; i < n; i += len) {
        width += character(text + i, n - i, &len);
        if (width > room || i + len > most) break;
    }
    if (room < 0 || n_out < sizeof dots) i = 0;
    memcpy(out, text, i);
    if (!cut || room < 0 || n_out < sizeof dots) out[i] = '\0';
    else memcpy(out + i, dots, sizeof dots);
}
