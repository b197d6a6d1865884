/* nfc.c - see nfc.h.
 *
 * Decompose each character, order the marks of each base by their combining class, compose again. utf8proc
 * knows the tables and how to compose; the ordering is done here, because utf8proc's own exchanges neighbours
 * and takes the square of the number of marks, and a text may be nothing but marks. Classes are one byte: a
 * counting sort is stable and linear. */
#include "text/nfc.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "text/utf8.h"

#define MAX_DECOMPOSED 4 /* characters that one becomes under canonical decomposition */

/* Text below U+0300 is in form C: no marks, and nothing that a mark composed would be written differently. */
static bool is_trivial(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] >= 0xCC) return false;
    return true;
}

static uint8_t combining_class(int32_t cp)
{
    return (uint8_t)utf8proc_get_property(cp)->combining_class;
}

/* Stable sort of a run of marks by class, with spare as scratch of the same size. */
static void order_run(int32_t *run, size_t n, int32_t *spare)
{
    if (n <= 8) { /* nearly all of them: insertion, without the table */
        for (size_t i = 1; i < n; i++)
            for (size_t j = i; j > 0 && combining_class(run[j - 1]) > combining_class(run[j]); j--) {
                int32_t t = run[j];
                run[j] = run[j - 1];
                run[j - 1] = t;
            }
        return;
    }
    size_t at[257] = { 0 };
    for (size_t i = 0; i < n; i++) at[combining_class(run[i]) + 1]++;
    for (size_t c = 0; c < 256; c++) at[c + 1] += at[c];
    for (size_t i = 0; i < n; i++) spare[at[combining_class(run[i])]++] = run[i];
    memcpy(run, spare, n * sizeof *run);
}

static void order_marks(int32_t *chars, size_t n, int32_t *spare)
{
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && combining_class(chars[end]) != 0) end++;
        if (end > i + 1) order_run(chars + i, end - i, spare);
        i = end + 1;
    }
}

static size_t decompose(const char *text, size_t n, int32_t *chars)
{
    size_t n_chars = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0;
        int boundary = 0;
        i += utf8_decode(text + i, n - i, &cp);
        utf8proc_ssize_t got = utf8proc_decompose_char((int32_t)cp, chars + n_chars, MAX_DECOMPOSED,
                                                       UTF8PROC_DECOMPOSE, &boundary);
        if (got < 1 || got > MAX_DECOMPOSED) { /* longer ones than Unicode has: leave it as it is */
            chars[n_chars] = (int32_t)cp;
            got = 1;
        }
        n_chars += (size_t)got;
    }
    return n_chars;
}

static size_t count_chars(const char *text, size_t n)
{
    size_t chars = 0;
    for (size_t i = 0; i < n; i++) chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    return chars;
}

sumi_status nfc_normalize(const char *text, size_t n, char **out, size_t *n_out)
{
    *out = NULL;
    *n_out = 0;
    if (is_trivial(text, n)) return SUMI_OK;
    size_t room = count_chars(text, n) * MAX_DECOMPOSED + 1; /* characters */
    int32_t *chars = malloc(room * sizeof *chars), *spare = malloc(room * sizeof *spare);
    char *utf8 = NULL;
    sumi_status status = SUMI_ENOMEM;
    if (!chars || !spare) goto done;
    size_t n_chars = decompose(text, n, chars);
    order_marks(chars, n_chars, spare);
    utf8proc_ssize_t composed =
        utf8proc_normalize_utf32(chars, (utf8proc_ssize_t)n_chars, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (composed < 0 || !(utf8 = malloc((size_t)composed * 4 + 1))) goto done;
    size_t n_utf8 = 0;
    for (utf8proc_ssize_t i = 0; i < composed; i++) n_utf8 += utf8_encode((uint32_t)chars[i], utf8 + n_utf8);
    status = SUMI_OK;
    if (n_utf8 == n && !memcmp(utf8, text, n)) goto done;
    *out = utf8;
    *n_out = n_utf8;
    utf8 = NULL;
done:
    free(utf8);
    free(chars);
    free(spare);
    return status;
}
