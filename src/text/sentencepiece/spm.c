/* spm.c - see spm.h. */
#include "text/sentencepiece/spm.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fp16.h"
#include "base/utf8.h"
#include "text/added_tokens.h"
#include "text/sentencepiece/fallback.h"

#define SPACE_SYMBOL "\xE2\x96\x81" /* U+2581 */
#define SPACE_BYTES  3
#define NO_RANK      UINT32_MAX

/* ---- Preparing ---------------------------------------------------------------------------------------------- */

typedef struct scored {
    uint32_t key; /* the better the score, the lower */
    int32_t id;
} scored;

static uint32_t score_key(float score)
{
    uint32_t bits = fp32_to_bits(score == 0 ? 0 : score); /* one zero */
    return bits & 0x80000000u ? bits : ~bits & 0x7FFFFFFFu;
}

/* Stable, by key: four passes over bytes, so that a hostile order of scores costs no more than another. */
static void sort_scored(scored *a, scored *spare, size_t n)
{
    for (int shift = 0; shift < 32; shift += 8) {
        size_t at[257] = { 0 };
        for (size_t i = 0; i < n; i++) at[(a[i].key >> shift & 0xFF) + 1]++;
        for (size_t b = 0; b < 256; b++) at[b + 1] += at[b];
        for (size_t i = 0; i < n; i++) spare[at[a[i].key >> shift & 0xFF]++] = a[i];
        scored *t = a;
        a = spare;
        spare = t;
    }
}

static bool is_sorted(const scored *a, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (a[i].key < a[i - 1].key) return false;
    return true;
}

/* Ranks: user-defined tokens by id, then the others by score, then by id. scores: NULL, or n_tokens unaligned
 * floats. flags: NULL, or those of added_tokens.h. */
static sumi_status set_ranks(spm *s, const char *scores, const uint8_t *flags)
{
    size_t n = (size_t)s->v->n_tokens, n_scored = 0;
    uint32_t next = 0;
    scored *a = malloc(n * sizeof *a), *spare = NULL;
    s->rank = calloc(n, sizeof *s->rank);
    if (!a || !s->rank) goto fail;
    for (int32_t i = 0; i < s->v->n_tokens; i++) {
        float score = 0;
        if (flags && flags[i] & ADDED_NO_MERGE) s->rank[i] = NO_RANK;
        else if (s->v->kind[i] == TOKEN_USER_DEFINED) s->rank[i] = next++;
        if (s->v->kind[i] == TOKEN_USER_DEFINED || !vocab_can_merge(s->v, i)) continue;
        if (scores) memcpy(&score, scores + (size_t)i * sizeof score, sizeof score);
        a[n_scored++] = (scored){ score_key(score), i };
    }
    if (!is_sorted(a, n_scored)) { /* most files are */
        if (!(spare = malloc(n * sizeof *spare))) goto fail;
        sort_scored(a, spare, n_scored);
    }
    for (size_t i = 0; i < n_scored; i++) s->rank[a[i].id] = next++;
    free(a);
    free(spare);
    return SUMI_OK;
fail:
    free(a);
    return SUMI_ENOMEM;
}

/* The token that a character is before anything is merged. -1: none. */
static int32_t find_char(const spm *s, const char *text, size_t n)
{
    int32_t id = vocab_find(s->v, text, n);
    return id >= 0 && s->rank && s->rank[id] == NO_RANK ? -1 : id;
}

sumi_status spm_init(spm *s, const vocab *v, const model_source *src, const uint8_t *flags, sumi_error *err)
{
    const char *scores = NULL;
    *s = (spm){ .v = v, .unknown = -1 };
    sumi_status status = v->chars ? pair_table_init(&s->pairs, v, src, NULL, NULL, err)
                                  : vocab_read_scores(v, src, &scores, err);
    if (status) return status;
    if (!v->chars && set_ranks(s, scores, flags))
        return sumi_fail(err, SUMI_ENOMEM, "scores of %d tokens: out of memory", v->n_tokens);
    space_words_init(&s->words, v);
    for (int32_t c = 0; c < 128; c++) s->ascii[c] = find_char(s, (char[]){ (char)c }, 1);
    return SUMI_OK;
}

void spm_deinit(spm *s)
{
    free(s->rank);
    s->rank = NULL;
    pair_table_deinit(&s->pairs);
}

/* ---- Encoding ----------------------------------------------------------------------------------------------- */

typedef struct word_view {
    const spm *s;
    const char *text;
} word_view;

static uint32_t pair_order(const void *user, const bpe_symbol *left, const bpe_symbol *right, int32_t *merged)
{
    const word_view *w = user;
    int32_t id = vocab_find(w->s->v, w->text + left->start, (size_t)left->n_bytes + right->n_bytes);
    if (id < 0 || w->s->rank[id] == NO_RANK) return BPE_NO_PAIR;
    *merged = id;
    return w->s->rank[id] << 8 | (255 - (left->n_chars < 255 ? left->n_chars : 255));
}

static uint32_t listed_order(const void *user, const bpe_symbol *left, const bpe_symbol *right, int32_t *merged)
{
    return pair_table_find(user, left->id, right->id, merged);
}

/* Of a character without a token, which begins with this byte. */
static bool gives_nothing(const spm *s, char first)
{
    return s->v->chars && s->unknown < 0 && s->v->byte_id[(uint8_t)first] < 0;
}

/* Merges the word in work->word. */
static sumi_status encode_word(const spm *s, spm_work *work, id_list *out)
{
    const char *text = work->word.data;
    size_t n = work->word.n, n_symbols = 0;
    if (!n) return SUMI_OK;
    if (!bpe_reserve(&work->merge, n)) return SUMI_ENOMEM;
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp;
        len = utf8_decode(text + i, n - i, &cp);
        int32_t id = len == 1 ? s->ascii[cp] : len ? find_char(s, text + i, len) : -1;
        if (!len) len = 1;                                 /* an invalid byte is a symbol of its own */
        if (id < 0 && gives_nothing(s, text[i])) continue; /* its neighbours may merge */
        work->merge.symbols[n_symbols++] = (bpe_symbol){
            .id = id, .start = (uint32_t)i, .n_bytes = (uint32_t)len, .n_chars = 1
        };
    }
    if (!n_symbols) return SUMI_OK;
    word_view view = { s, text };
    if (s->rank ? bpe_merge(&work->merge, n_symbols, pair_order, &view)
                : bpe_merge(&work->merge, n_symbols, listed_order, &s->pairs))
        return SUMI_ENOMEM;
    bool unknown = false;
    for (int32_t i = 0; i >= 0; i = work->merge.symbols[i].next) {
        const bpe_symbol *b = &work->merge.symbols[i];
        if (b->id >= 0) {
            id_list_add(out, b->id);
            unknown = false;
        } else {
            if (s->v->chars == CHARS_WORDS) unknown = false; /* each is one by itself */
            fallback_add(s->v, s->unknown, text + b->start, b->n_bytes, &unknown, out);
        }
    }
    return out->failed ? SUMI_ENOMEM : SUMI_OK;
}

/* Text to work->word, its spaces as U+2581, with one more in front if prefix is set. */
static sumi_status write_word(spm_work *work, const char *text, size_t n, bool prefix)
{
    buf *w = &work->word;
    w->n = 0;
    if (prefix) buf_append(w, SPACE_SYMBOL, SPACE_BYTES);
    for (size_t i = 0; i < n;) {
        const char *space = memchr(text + i, ' ', n - i);
        size_t plain = (size_t)((space ? space : text + n) - (text + i));
        buf_append(w, text + i, plain);
        if (space) buf_append(w, SPACE_SYMBOL, SPACE_BYTES);
        i += plain + (space != NULL);
    }
    return w->status;
}

static sumi_status encode_words(const spm *s, spm_work *work, const char *text, size_t n, bool prefix, id_list *out)
{
    for (size_t i = 0, end; i < n; i = end, prefix = false) {
        end = space_words_end(&s->words, text, n, i);
        size_t first = out->n;
        if (!prefix && word_cache_get(work->cache, WORD_WHOLE, text + i, end - i, out)) continue;
        sumi_status status = write_word(work, text + i, end - i, prefix);
        if (!status) status = encode_word(s, work, out);
        if (status) return status;
        if (!prefix) word_cache_put(work->cache, WORD_WHOLE, text + i, end - i, out, first);
    }
    return out->failed ? SUMI_ENOMEM : SUMI_OK;
}

/* Without spaces at both ends, and with one in place of several; U+2581 counts as one at the end only, as in
 * SentencePiece. out has room for n. */
static size_t squeeze_spaces(const char *text, size_t n, char *out)
{
    size_t w = 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] != ' ' || (w && out[w - 1] != ' ')) out[w++] = text[i];
    for (;;) {
        if (w && out[w - 1] == ' ') w--;
        else if (w >= SPACE_BYTES && !memcmp(out + w - SPACE_BYTES, SPACE_SYMBOL, SPACE_BYTES)) w -= SPACE_BYTES;
        else return w;
    }
}

/* Encodes the text between white space; white space gives no token. */
static sumi_status encode_without_space(const spm *s, spm_work *work, const char *text, size_t n, id_list *out)
{
    sumi_status status = SUMI_OK;
    for (size_t i = 0, end; i < n && !status; i = end) {
        uint32_t cp;
        size_t len, begin = i;
        while (begin < n && (len = utf8_decode(text + begin, n - begin, &cp)) && utf8_is_space(cp)) begin += len;
        for (end = begin; end < n; end += len ? len : 1)
            if ((len = utf8_decode(text + end, n - end, &cp)) && utf8_is_space(cp)) break;
        status = encode_words(s, work, text + begin, end - begin, false, out);
    }
    return status;
}

sumi_status spm_encode(const spm *s, spm_work *work, const char *text, size_t n, bool at_start, id_list *out)
{
    if (s->v->chars == CHARS_WORDS) return encode_without_space(s, work, text, n, out);
    bool prefix = at_start && s->add_space_prefix;
    if (!s->remove_extra_whitespaces) return encode_words(s, work, text, n, prefix, out);
    char *squeezed = malloc(n + 1);
    if (!squeezed) return SUMI_ENOMEM;
    sumi_status status = encode_words(s, work, squeezed, squeeze_spaces(text, n, squeezed), prefix, out);
    free(squeezed);
    return status;
}
