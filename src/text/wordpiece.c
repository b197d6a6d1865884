/* wordpiece.c - see wordpiece.h.
 *
 * Text is processed in stretches between ASCII white space; no stage looks across white space. A stretch that occurred
 * before in this call comes from the cache, a stretch of printable ASCII needs a single pass, and only the rest needs the
 * tables of Unicode. */
#include "text/wordpiece.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "text/normalize.h"

#define WORD_BEGIN       "\xE2\x96\x81" /* U+2581 */
#define WORD_BEGIN_BYTES 3
#define MAX_WORD_CHARS   100

/* A piece inside a word that begins with U+2581 must not be found as the begin of a word. Longer ones than the
 * character itself do not occur, so no other token has that spelling. */
static bool is_ambiguous(const char *piece, size_t n)
{
    return n > WORD_BEGIN_BYTES && !memcmp(piece, WORD_BEGIN, WORD_BEGIN_BYTES);
}

void wordpiece_init(wordpiece *w, const vocab *v, const model_source *src, int32_t unknown)
{
    const char capital[] = WORD_BEGIN "A";
    *w = (wordpiece){ .v = v, .unknown = unknown };
    if (!model_source_get_bool(src, "tokenizer.ggml.normalizer.lowercase", &w->lower))
        w->lower = vocab_find(v, capital, sizeof capital - 1) < 0;
    if (!model_source_get_bool(src, "tokenizer.ggml.normalizer.strip_accents", &w->strip_accents))
        w->strip_accents = w->lower;
}

/* ---- Characters --------------------------------------------------------------------------------------------- */

static bool is_blank(char c) /* ASCII white space; other such characters are controls here */
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter_or_digit(uint32_t c) /* of ASCII */
{
    return (c | 0x20) - 'a' < 26 || c - '0' < 10;
}

/* Everything else that ASCII can print is punctuation, symbols such as '$' too. */
static bool is_punctuation(uint32_t cp)
{
    if (cp < 0x80) return !is_letter_or_digit(cp);
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

static bool is_space(uint32_t cp)
{
    if (cp < 0x80) return is_blank((char)cp);
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    return category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP;
}

static bool is_removed(uint32_t cp)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CO ||
           cp == 0xFFFD;
}

/* The blocks that BERT's code lists, with the first of 2B820..2CEAF where `tokenizers` has it. */
static bool is_han(uint32_t cp)
{
    static const uint32_t blocks[][2] = { { 0x3400, 0x4DBF },   { 0x4E00, 0x9FFF },   { 0xF900, 0xFAFF },
                                          { 0x20000, 0x2A6DF }, { 0x2A700, 0x2B81F }, { 0x2B920, 0x2CEAF },
                                          { 0x2F800, 0x2FA1F } };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (cp >= blocks[i][0] && cp <= blocks[i][1]) return true;
    return false;
}

/* ---- Words -------------------------------------------------------------------------------------------------- */

/* The longest token that the n bytes at piece begin with, and how long it is; -1: none. One byte follows them. */
static int32_t longest_token(const vocab *v, const char *piece, size_t n, bool inside, size_t *n_token)
{
    if (n > v->max_symbol_bytes) n = v->max_symbol_bytes;
    for (; n > 0; n--) {
        if (((unsigned char)piece[n] & 0xC0) == 0x80 || (inside && is_ambiguous(piece, n))) continue;
        int32_t id = vocab_find(v, piece, n);
        if (id >= 0) {
            *n_token = n;
            return id;
        }
    }
    return -1;
}

/* Adds the pieces of a word of n_chars characters. */
static void add_word(const wordpiece *w, buf *symbol, const char *word, size_t n, size_t n_chars, id_list *out)
{
    size_t first = out->n, at = 0, len;
    symbol->n = 0;
    buf_append(symbol, WORD_BEGIN, WORD_BEGIN_BYTES);
    buf_append(symbol, word, n_chars <= MAX_WORD_CHARS ? n : 0);
    bool known = n_chars <= MAX_WORD_CHARS && !symbol->status;
    for (n += WORD_BEGIN_BYTES; known && at < n; at += len) {
        int32_t id = longest_token(w->v, symbol->data + at, n - at, at > 0, &len);
        /* U+2581 alone is a token for the character, not the beginning of a word. */
        known = id >= 0 && (at > 0 || len > WORD_BEGIN_BYTES);
        if (known) id_list_add(out, id);
    }
    if (known) return;
    out->n = first;
    id_list_add(out, w->unknown);
}

/* Words of clean text, which is valid UTF-8. */
static void add_words(const wordpiece *w, buf *symbol, const char *text, size_t n, id_list *out)
{
    size_t begin = 0, n_chars = 0, len;
    for (size_t i = 0; i < n; i += len) {
        uint32_t cp = 0;
        len = utf8_decode(text + i, n - i, &cp);
        bool space = cp == ' ', alone = !space && is_punctuation(cp);
        if (!space && !alone) {
            n_chars++;
            continue;
        }
        if (n_chars) add_word(w, symbol, text + begin, i - begin, n_chars, out);
        if (alone) add_word(w, symbol, text + i, len, 1, out);
        begin = i + len;
        n_chars = 0;
    }
    if (n_chars) add_word(w, symbol, text + begin, n - begin, n_chars, out);
}

/* ---- Stretches ---------------------------------------------------------------------------------------------- */

static bool is_printable_ascii(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] - 0x20u >= 0x5F) return false;
    return true;
}

static void lower_ascii(buf *out, const char *text, size_t n)
{
    buf_append(out, text, n);
    for (size_t i = 0; i < out->n; i++)
        if (out->data[i] >= 'A' && out->data[i] <= 'Z') out->data[i] = (char)(out->data[i] | 0x20);
}

static void clean(buf *out, const char *text, size_t n)
{
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        uint32_t cp;
        len = utf8_decode(text + i, n - i, &cp);
        if (!len) continue;
        if (is_space(cp)) {
            buf_append_char(out, ' ');
        } else if (!is_removed(cp)) {
            bool han = is_han(cp);
            if (han) buf_append_char(out, ' ');
            buf_append(out, text + i, len);
            if (han) buf_append_char(out, ' ');
        }
    }
}

typedef sumi_status (*normalizer)(const char *text, size_t n, char **out, size_t *n_out);

/* Replaces the text of b by its normalised form. */
static sumi_status rewrite(buf *b, normalizer normalize)
{
    char *text;
    size_t n;
    sumi_status status = normalize(b->data, b->n, &text, &n);
    if (status || !text) return status;
    b->n = 0;
    buf_append(b, text, n);
    free(text);
    return b->status;
}

static sumi_status normalize(const wordpiece *w, buf *b, const char *text, size_t n)
{
    sumi_status status = SUMI_OK;
    b->n = 0;
    if (is_printable_ascii(text, n)) {
        if (w->lower) lower_ascii(b, text, n);
        else buf_append(b, text, n);
    } else {
        clean(b, text, n);
        if (w->strip_accents && b->n) status = rewrite(b, normalize_strip_accents);
        if (w->lower && b->n && !status) status = rewrite(b, normalize_lower);
    }
    return status ? status : b->status;
}

sumi_status wordpiece_normalize(const wordpiece *w, const char *text, size_t n, char **out, size_t *n_out)
{
    buf b;
    *out = NULL;
    buf_init(&b, SIZE_MAX);
    sumi_status status = normalize(w, &b, text, n);
    if (!status && !(*out = buf_take(&b, n_out))) status = SUMI_ENOMEM;
    buf_deinit(&b);
    return status;
}

static sumi_status add_stretch(const wordpiece *w, wordpiece_work *work, const char *text, size_t n, id_list *out)
{
    buf *b = &work->clean;
    sumi_status status = normalize(w, b, text, n);
    if (status) return status;
    add_words(w, &work->word, b->data, b->n, out);
    return work->word.status ? work->word.status : out->failed ? SUMI_ENOMEM : SUMI_OK;
}

sumi_status wordpiece_encode(const wordpiece *w, wordpiece_work *work, const char *text, size_t n, id_list *out)
{
    sumi_status status = SUMI_OK;
    for (size_t i = 0, end; i < n && !status; i = end) {
        while (i < n && is_blank(text[i])) i++;
        for (end = i; end < n && !is_blank(text[end]);) end++;
        if (end == i || word_cache_get(work->cache, WORD_STRETCH, text + i, end - i, out)) continue;
        size_t first = out->n;
        status = add_stretch(w, work, text + i, end - i, out);
        if (!status) word_cache_put(work->cache, WORD_STRETCH, text + i, end - i, out, first);
    }
    return status;
}
