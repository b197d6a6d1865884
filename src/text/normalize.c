/* normalize.c - see normalize.h.
 *
 * A normal form decomposes each character, orders the marks of each base by their combining class, and may compose again.
 * utf8proc has the tables and composes. The ordering is done here: utf8proc swaps neighbours, which is quadratic in the
 * number of marks, and a text may consist of marks only. Classes are one byte: a counting sort is stable and linear.
 *
 * Most text needs no change. Below some byte every character is in the form already, decomposes to itself and does not
 * join the character before it (is_plain); it can only be the base of following marks. So the text is cut into
 *
 *    plain characters, copied | the last of them and all characters up to the next plain one, normalized | ...
 *
 * and the memory for decomposed characters is that of the longest such run, not of the text. */
#include "text/normalize.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/utf8.h"

#define MAX_DECOMPOSED 32 /* characters that one becomes; Unicode's longest, U+FDFA, has 18 */

typedef struct chars {
    int32_t *data, *spare; /* [cap] */
    size_t n, cap;
} chars;

/* Memory for `more` characters after the present n. */
static bool reserve(chars *c, size_t more)
{
    if (c->cap - c->n >= more) return true;
    size_t cap = 2 * (c->n + more);
    int32_t *data = realloc(c->data, cap * sizeof *data);
    if (data) c->data = data;
    int32_t *spare = realloc(c->spare, cap * sizeof *spare);
    if (spare) c->spare = spare;
    if (!data || !spare) return false;
    c->cap = cap;
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

static void order_marks(chars *c)
{
    for (size_t i = 0; i < c->n;) {
        size_t end = i;
        while (end < c->n && combining_class(c->data[end]) != 0) end++;
        if (end > i + 1) order_run(c->data + i, end - i, c->spare);
        i = end + 1;
    }
}

static bool decompose(chars *c, const char *text, size_t n, utf8proc_option_t options)
{
    c->n = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0;
        int boundary = 0;
        i += utf8_decode(text + i, n - i, &cp);
        if (!reserve(c, MAX_DECOMPOSED)) return false;
        utf8proc_ssize_t got = utf8proc_decompose_char((int32_t)cp, c->data + c->n, MAX_DECOMPOSED, options, &boundary);
        if (got < 1 || got > MAX_DECOMPOSED) { /* longer than any in Unicode: leave the character unchanged */
            c->data[c->n] = (int32_t)cp;
            got = 1;
        }
        c->n += (size_t)got;
    }
    return true;
}

static void append_char(buf *b, uint32_t cp)
{
    char utf8[4];
    buf_append(b, utf8, utf8_encode(cp, utf8));
}

/* Han characters with these first bytes, U+4000 to U+9FFF, are unchanged in every form. */
static bool is_han(unsigned char first)
{
    return first >= 0xE4 && first <= 0xE9;
}

/* First bytes below this begin plain characters: composed text is plain below U+0300, decomposed text in ASCII. */
static unsigned plain_limit(normal_form form)
{
    return form == NORMAL_NFC ? 0xCC : 0x80;
}

/* The bytes of plain characters at the start of text. */
static size_t count_plain(const char *text, size_t n, unsigned limit)
{
    size_t i = 0;
    while (i < n) {
        uint64_t word;
        while (n - i >= 8 && (memcpy(&word, text + i, 8), !(word & 0x8080808080808080u))) i += 8; /* ASCII */
        if (i == n) break;
        unsigned char first = (unsigned char)text[i];
        if (first >= limit && !is_han(first)) break;
        i += is_han(first) ? 3 : first < 0x80 ? 1 : 2;
    }
    return i;
}

/* The bytes up to the next plain character. */
static size_t count_run(const char *text, size_t n, unsigned limit)
{
    size_t i = 0;
    for (; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x80 || (byte >= 0xC0 && byte < limit) || is_han(byte)) break;
    }
    return i;
}

/* Where the last character of the n bytes at text begins; n > 0. */
static size_t last_char(const char *text, size_t n)
{
    do n--;
    while (((unsigned char)text[n] & 0xC0) == 0x80);
    return n;
}

static sumi_status add_run(buf *out, chars *c, normal_form form, const char *text, size_t n)
{
    bool compose = form == NORMAL_NFC || form == NORMAL_NFKC;
    bool compatible = form == NORMAL_NFKC || form == NORMAL_NFKD;
    utf8proc_option_t options = (utf8proc_option_t)(UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
    if (!decompose(c, text, n, options)) return SUMI_ENOMEM;
    order_marks(c);
    utf8proc_ssize_t left = (utf8proc_ssize_t)c->n;
    if (compose)
        left = utf8proc_normalize_utf32(c->data, left, (utf8proc_option_t)(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    for (utf8proc_ssize_t i = 0; i < left; i++) append_char(out, (uint32_t)c->data[i]);
    return left < 0 ? SUMI_ENOMEM : out->status;
}

/* The written text becomes the result, unless it equals the input. b is empty afterwards. */
static sumi_status finish(buf *b, sumi_status status, const char *text, size_t n, char **out, size_t *n_out)
{
    if (!status) status = b->status;
    if (!status && (b->n != n || (n && memcmp(b->data, text, n) != 0))) {
        *out = buf_take(b, n_out);
        if (!*out) status = SUMI_ENOMEM;
    }
    buf_deinit(b);
    return status;
}

sumi_status normalize_form(normal_form form, const char *text, size_t n, char **out, size_t *n_out)
{
    unsigned limit = plain_limit(form);
    size_t i = count_plain(text, n, limit);
    sumi_status status = SUMI_OK;
    *out = NULL;
    *n_out = 0;
    if (i == n) return SUMI_OK;
    chars c = { 0 };
    buf b;
    buf_init(&b, SIZE_MAX);
    for (size_t from = 0; from < n && !status;) {
        size_t base = i > from ? last_char(text, i) : i, end = i + count_run(text + i, n - i, limit);
        buf_append(&b, text + from, base - from);
        status = add_run(&b, &c, form, text + base, end - base);
        from = end;
        i = end + count_plain(text + end, n - end, limit);
    }
    free(c.data);
    free(c.spare);
    return finish(&b, status, text, n, out, n_out);
}

/* ---- One character at a time -------------------------------------------------------------------------------- */

sumi_status normalize_lower(const char *text, size_t n, char **out, size_t *n_out)
{
    buf b;
    *out = NULL;
    *n_out = 0;
    buf_init(&b, SIZE_MAX);
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0;
        i += utf8_decode(text + i, n - i, &cp);
        if (cp < 0x80) {
            buf_append_char(&b, (char)(cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp));
        } else if (cp == 0x130) { /* I with a dot above: the only one with two (SpecialCasing.txt) */
            buf_append_str(&b, "i\xCC\x87");
        } else {
            append_char(&b, (uint32_t)utf8proc_tolower((int32_t)cp));
        }
    }
    return finish(&b, SUMI_OK, text, n, out, n_out);
}

/* Writes text without nonspacing marks to b. */
static void append_unmarked(buf *b, const char *text, size_t n)
{
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp = 0;
        len = utf8_decode(text + i, n - i, &cp);
        if (cp < 0x300 || utf8proc_category((int32_t)cp) != UTF8PROC_CATEGORY_MN) buf_append(b, text + i, len);
    }
}

sumi_status normalize_strip_accents(const char *text, size_t n, char **out, size_t *n_out)
{
    char *decomposed;
    size_t n_decomposed;
    buf b;
    *out = NULL;
    *n_out = 0;
    sumi_status status = normalize_form(NORMAL_NFD, text, n, &decomposed, &n_decomposed);
    if (status) return status;
    buf_init(&b, SIZE_MAX);
    append_unmarked(&b, decomposed ? decomposed : text, decomposed ? n_decomposed : n);
    free(decomposed);
    return finish(&b, SUMI_OK, text, n, out, n_out);
}
