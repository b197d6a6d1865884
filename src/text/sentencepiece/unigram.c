/* unigram.c - see unigram.h. */
#include "text/sentencepiece/unigram.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/sentencepiece/fallback.h"

#define SPACE_SYMBOL    "\xE2\x96\x81" /* U+2581 */
#define UNKNOWN_PENALTY 10.0

/* ---- Preparing ---------------------------------------------------------------------------------------------- */

/* Scores of foreign files are made finite, so that their sums in double precision are finite too. */
static float clean_score(float score)
{
    if (isnan(score) || score < -FLT_MAX) return -FLT_MAX;
    return score > FLT_MAX ? FLT_MAX : score;
}

/* The scores as they count: [n_tokens], freed with free(). NULL: out of memory. */
static float *clean_scores(unigram *u, const char *raw)
{
    float *scores = malloc((size_t)u->v->n_tokens * sizeof *scores), worst = FLT_MAX;
    for (int32_t i = 0; scores && i < u->v->n_tokens; i++) {
        memcpy(&scores[i], raw + (size_t)i * sizeof *scores, sizeof *scores);
        scores[i] = u->v->kind[i] == TOKEN_USER_DEFINED ? 0 : clean_score(scores[i]);
        if (u->v->kind[i] == TOKEN_NORMAL && scores[i] < worst) worst = scores[i];
    }
    u->unknown_score = (worst == FLT_MAX ? 0 : (double)worst) - UNKNOWN_PENALTY;
    return scores;
}

sumi_status unigram_init(unigram *u, const vocab *v, const model_source *src, sumi_error *err)
{
    const char *raw;
    *u = (unigram){ .v = v, .unknown = -1 };
    sumi_status status = vocab_read_scores(v, src, &raw, err);
    if (!status && !raw)
        status = sumi_fail(err, SUMI_EFORMAT, "%s: tokenizer.ggml.scores is missing", model_source_name(src));
    if (!status) status = charsmap_init(&u->map, src, err);
    if (status) return status;
    float *scores = clean_scores(u, raw);
    if (!scores) return sumi_fail(err, SUMI_ENOMEM, "scores of %d tokens: out of memory", v->n_tokens);
    space_words_init(&u->words, v);
    status = symbol_trie_init(&u->trie, v, scores, src, err);
    free(scores);
    return status;
}

void unigram_deinit(unigram *u)
{
    symbol_trie_deinit(&u->trie);
}

void unigram_work_init(unigram_work *w, size_t max_normal_bytes)
{
    *w = (unigram_work){ 0 };
    buf_init(&w->normal, max_normal_bytes);
}

void unigram_work_deinit(unigram_work *w)
{
    free(w->places);
    buf_deinit(&w->normal);
}

/* ---- Normalizing -------------------------------------------------------------------------------------------- */

/* The replacement of the start of text, and the number of its bytes that are replaced. An invalid byte is kept if the
 * vocabulary has a token for it. */
static size_t normalize_prefix(const unigram *u, const char *text, size_t n, const char **to, size_t *n_to)
{
    uint32_t cp;
    size_t len = charsmap_find(&u->map, text, n, to, n_to);
    if (len) return len;
    len = utf8_decode(text, n, &cp);
    bool keep = len || u->v->byte_id[(uint8_t)text[0]] >= 0;
    if (!len) len = 1;
    *to = keep ? text : UTF8_REPLACEMENT;
    *n_to = keep ? len : strlen(UTF8_REPLACEMENT);
    return len;
}

/* With spaces for U+2581: they are the same to the vocabulary. */
static void append_normal(buf *b, const char *text, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        const char *symbol = memmem(text + i, n - i, SPACE_SYMBOL, 3);
        end = symbol ? (size_t)(symbol - text) : n;
        buf_append(b, text + i, end - i);
        if (symbol) buf_append_char(b, ' ');
        if (symbol) end += 3;
    }
}

static sumi_status normalize(const unigram *u, buf *b, const char *text, size_t n)
{
    bool squeeze = u->remove_extra_whitespaces, after_space = squeeze;
    size_t i = 0;
    b->n = 0;
    for (size_t len; squeeze && i < n; i += len) { /* spaces in front */
        const char *to;
        size_t n_to;
        len = normalize_prefix(u, text + i, n - i, &to, &n_to);
        if (n_to != 1 || to[0] != ' ') break;
    }
    if (i == n) return SUMI_OK;
    if (u->add_space_prefix) buf_append_char(b, ' ');
    size_t kept = i; /* from here to i the text is unchanged and not yet written */
    while (i < n && !b->status) {
        const char *to;
        size_t n_to, len = normalize_prefix(u, text + i, n - i, &to, &n_to);
        if (to == text + i && *to != ' ' && *to != SPACE_SYMBOL[0]) {
            i += len;
            after_space = false;
            continue;
        }
        buf_append(b, text + kept, i - kept);
        kept = i += len;
        while (after_space && n_to && *to == ' ') to++, n_to--;
        if (!n_to) continue;
        append_normal(b, to, n_to);
        after_space = squeeze && to[n_to - 1] == ' ';
    }
    buf_append(b, text + kept, i - kept);
    while (squeeze && b->n && b->data[b->n - 1] == ' ') b->n--;
    return b->status;
}

/* ---- Encoding ----------------------------------------------------------------------------------------------- */

static void reach(unigram_place *place, uint32_t start, int32_t id, double score)
{
    if (place->reached && score <= place->score) return;
    *place = (unigram_place){ .score = score, .start = start, .id = id, .reached = true };
}

/* Extends the best segmentation that ends at position i of the word by every token that begins there. */
static void go_on(const unigram *u, unigram_place *places, const char *word, size_t n, size_t i, size_t char_bytes)
{
    bool has_char = false;
    double score = places[i].score;
    uint32_t node = 0;
    for (size_t end = i; end < n;) {
        node = symbol_trie_step(&u->trie, node, (uint8_t)word[end++]);
        if (!node) break;
        int32_t id = symbol_trie_id(&u->trie, node);
        if (id < 0) continue;
        reach(&places[end], (uint32_t)i, id, score + (double)u->trie.nodes[node].score);
        has_char = has_char || end - i == char_bytes;
    }
    if (!has_char) reach(&places[i + char_bytes], (uint32_t)i, -1, score + u->unknown_score);
}

/* The tokens of the best way to the end of the word. */
static void add_best(const unigram *u, unigram_place *places, const char *word, size_t n, id_list *out)
{
    bool in_unknown = false;
    for (uint32_t end = (uint32_t)n; end; end = places[end].start) places[places[end].start].next = end;
    for (uint32_t i = 0; i < n; i = places[i].next) {
        const unigram_place *end = &places[places[i].next];
        if (end->id >= 0) {
            id_list_add(out, end->id);
            in_unknown = false;
        } else {
            fallback_add(u->v, u->unknown, word + i, places[i].next - i, &in_unknown, out);
        }
    }
}

static sumi_status encode_word(const unigram *u, unigram_work *work, const char *word, size_t n, id_list *out)
{
    if (n >= work->cap) {
        unigram_place *places = realloc(work->places, (2 * n + 64) * sizeof *places);
        if (!places) return SUMI_ENOMEM;
        work->places = places;
        work->cap = 2 * n + 64;
    }
    memset(work->places, 0, (n + 1) * sizeof *work->places);
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t char_bytes = utf8_decode(word + i, n - i, &cp);
        if (!char_bytes) char_bytes = 1;
        go_on(u, work->places, word, n, i, char_bytes);
        i += char_bytes;
    }
    add_best(u, work->places, word, n, out);
    return out->failed ? SUMI_ENOMEM : SUMI_OK;
}

sumi_status unigram_encode(const unigram *u, unigram_work *work, const char *text, size_t n, id_list *out)
{
    word_cache cache;
    sumi_status status = normalize(u, &work->normal, text, n);
    const char *normal = work->normal.data;
    size_t n_normal = work->normal.n;
    if (status || !n_normal) return status;
    word_cache_init(&cache, u->v->key, normal, n_normal);
    for (size_t i = 0, end; i < n_normal && !status; i = end) {
        end = space_words_end(&u->words, normal, n_normal, i);
        size_t first = out->n;
        if (word_cache_get(&cache, WORD_WHOLE, normal + i, end - i, out)) continue;
        status = encode_word(u, work, normal + i, end - i, out);
        if (!status) word_cache_put(&cache, WORD_WHOLE, normal + i, end - i, out, first);
    }
    word_cache_deinit(&cache);
    return out->failed ? SUMI_ENOMEM : status;
}
