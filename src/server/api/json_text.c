/* json_text.c - see json_text.h. */
#include "server/api/json_text.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

static void put_escaped(buf *out, unsigned char c)
{
    static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = c ? strchr(names, c) : NULL;
    if (at) {
        buf_append_char(out, '\\');
        buf_append_char(out, letters[at - names]);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

void json_put_inside(buf *out, const char *text, size_t n)
{
    size_t from = 0, i = 0; /* bytes from .. i need no change */
    while (i < n) {
        unsigned char c = (unsigned char)text[i];
        uint32_t cp;
        size_t n_char = utf8_decode(text + i, n - i, &cp);
        if (n_char && c >= 0x20 && c != '"' && c != '\\' && cp != 0x7F && cp != 0x2028 && cp != 0x2029) {
            i += n_char;
            continue;
        }
        buf_append(out, text + from, i - from);
        int partial;
        if (!n_char) i += utf8_invalid_bytes(text + i, n - i, &partial);
        else i += n_char;
        from = i;
        if (!n_char) buf_append_str(out, UTF8_REPLACEMENT);
        else if (cp > 0x7F) buf_printf(out, "\\u%04x", cp);
        else put_escaped(out, c);
    }
    buf_append(out, text + from, i - from);
}

void json_put_text(buf *out, const char *text, size_t n)
{
    buf_append_char(out, '"');
    json_put_inside(out, text, n);
    buf_append_char(out, '"');
}

void json_put_string(buf *out, const char *text)
{
    if (text) json_put_text(out, text, strlen(text));
    else buf_append_str(out, "null");
}

void json_put_time(buf *out, int64_t seconds)
{
    char text[32];
    time_t t = (time_t)seconds;
    struct tm utc;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &utc));
    buf_printf(out, "\"%s\"", text);
}

void json_put_number(buf *out, double value)
{
    if (isnan(value)) buf_append_str(out, "null");
    else if (isinf(value)) buf_append_str(out, value < 0 ? "-9999" : "9999");
    else buf_printf(out, "%.7g", value);
}
