/* tokenizer.c - see tokenizer.h. Puts the parts together: reads the settings of the file, drives the stages of
 * encoding, joins tokens again. */
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/utf8.h"
#include "text/added_tokens.h"
#include "text/bpe/byte_bpe.h"
#include "text/end_tokens.h"
#include "text/normalize.h"
#include "text/pretok.h"
#include "text/sentencepiece/spm.h"
#include "text/sentencepiece/unigram.h"
#include "text/wordpiece.h"

#define MAX_DECODED ((size_t)1 << 30)
#define MAX_CHANGED (3 * TOKENIZER_MAX_TEXT + 3) /* text after changes: a space may become three bytes */

#define SPACE_SYMBOL "\xE2\x96\x81" /* U+2581 */
#define SPACE_BYTES  3

struct tokenizer {
    vocab v;
    added_tokens added;
    byte_bpe bytes; /* VOCAB_BYTE_LEVEL: this and the next two */
    const pretok_rule *rule;
    pretok *pretok;
    spm spm;             /* VOCAB_SENTENCEPIECE */
    unigram unigram;     /* VOCAB_UNIGRAM */
    wordpiece wordpiece; /* VOCAB_WORDPIECE */
    int32_t bos, eos;
    bool add_bos, add_eos, add_space;
    bool lower;            /* CHARS_WORDS: text becomes lower case */
    id_list before, after; /* the tokens that SUMI_TOKENIZE_BOS_EOS puts around a text */
    size_t longest;        /* the largest count_dark_bytes() of all tokens; 0: gives no bound for texts */
    bool *ends;            /* [n_tokens] tokens that end a generation */
};

/* ---- Creation ----------------------------------------------------------------------------------------------- */

/* A bool of the metadata, or `otherwise` if the key is missing. */
static bool read_flag(const model_source *src, const char *key, bool otherwise)
{
    bool value;
    return model_source_get_bool(src, key, &value) ? value : otherwise;
}

/* The special token of this name, where the file has not given an id. */
static void find_special(const tokenizer *t, const char *name, int32_t *id)
{
    for (int32_t i = 0; i < t->v.n_tokens && *id < 0; i++)
        if (t->v.raw[i].n == strlen(name) && !memcmp(t->v.raw[i].data, name, t->v.raw[i].n)) *id = i;
}

/* BERT's texts are between [CLS] and [SEP]. "seperator" is the key's spelling. */
static sumi_status read_bert_ids(tokenizer *t, const model_source *src, int32_t *unknown, sumi_error *err)
{
    sumi_status status = SUMI_OK;
    if (t->bos < 0) status = token_id_read(&t->v, src, "tokenizer.ggml.cls_token_id", &t->bos, err);
    if (!status && t->eos < 0) status = token_id_read(&t->v, src, "tokenizer.ggml.seperator_token_id", &t->eos, err);
    if (status) return status;
    find_special(t, "[CLS]", &t->bos);
    find_special(t, "[SEP]", &t->eos);
    find_special(t, "[UNK]", unknown);
    if (*unknown >= 0) return SUMI_OK;
    return sumi_fail(err, SUMI_EFORMAT, "%s: the vocabulary has no token for unknown words", model_source_name(src));
}

/* The ids of BOS, EOS and the unknown token. SentencePiece files that do not say have them where its trainer
 * puts them, at 1, 2 and 0. */
static sumi_status read_ids(tokenizer *t, const model_source *src, int32_t *unknown, sumi_error *err)
{
    sumi_status status = token_id_read(&t->v, src, "tokenizer.ggml.bos_token_id", &t->bos, err);
    if (!status) status = token_id_read(&t->v, src, "tokenizer.ggml.eos_token_id", &t->eos, err);
    if (!status) status = token_id_read(&t->v, src, "tokenizer.ggml.unknown_token_id", unknown, err);
    if (status || t->v.model == VOCAB_WORDPIECE) return status ? status : read_bert_ids(t, src, unknown, err);
    for (int32_t i = 0; t->v.model == VOCAB_UNIGRAM && *unknown < 0 && i < t->v.n_tokens; i++)
        if (t->v.kind[i] == TOKEN_UNKNOWN) *unknown = i;
    if (t->v.model != VOCAB_SENTENCEPIECE || t->v.chars || t->v.n_tokens < 3) return SUMI_OK;
    if (t->bos < 0 && model_source_find_key(src, "tokenizer.ggml.bos_token_id") < 0 && t->v.kind[1] == TOKEN_CONTROL)
        t->bos = 1;
    if (t->eos < 0 && model_source_find_key(src, "tokenizer.ggml.eos_token_id") < 0 && t->v.kind[2] == TOKEN_CONTROL)
        t->eos = 2;
    if (*unknown < 0 && t->v.kind[0] == TOKEN_UNKNOWN) *unknown = 0;
    return SUMI_OK;
}

static sumi_status create_sentencepiece(tokenizer *t, const model_source *src, int32_t unknown, sumi_error *err)
{
    bool chars = t->v.chars != CHARS_NONE;
    t->add_bos = read_flag(src, "tokenizer.ggml.add_bos_token", !chars) || t->v.chars == CHARS_GEMMA4;
    t->add_eos = read_flag(src, "tokenizer.ggml.add_eos_token", false);
    t->add_space = read_flag(src, "tokenizer.ggml.add_space_prefix", !chars);
    t->lower = t->v.chars == CHARS_WORDS && read_flag(src, "tokenizer.ggml.normalizer.lowercase", false);
    sumi_status status = spm_init(&t->spm, &t->v, src, t->added.flags, err);
    t->spm.unknown = unknown;
    t->spm.add_space_prefix = t->add_space;
    t->spm.remove_extra_whitespaces = read_flag(src, "tokenizer.ggml.remove_extra_whitespaces", false);
    return status;
}

static sumi_status create_unigram(tokenizer *t, const model_source *src, int32_t unknown, sumi_error *err)
{
    t->add_bos = read_flag(src, "tokenizer.ggml.add_bos_token", false);
    t->add_eos = read_flag(src, "tokenizer.ggml.add_eos_token", true);
    t->add_space = read_flag(src, "tokenizer.ggml.add_space_prefix", true);
    sumi_status status = unigram_init(&t->unigram, &t->v, src, err);
    t->unigram.unknown = unknown;
    t->unigram.add_space_prefix = t->add_space;
    t->unigram.remove_extra_whitespaces = read_flag(src, "tokenizer.ggml.remove_extra_whitespaces", true);
    return status;
}

static void create_wordpiece(tokenizer *t, const model_source *src, int32_t unknown)
{
    wordpiece_init(&t->wordpiece, &t->v, src, unknown);
    t->add_bos = read_flag(src, "tokenizer.ggml.add_bos_token", true);
    t->add_eos = read_flag(src, "tokenizer.ggml.add_eos_token", true);
    t->add_space = true;
}

static sumi_status create_byte_level(tokenizer *t, const model_source *src, sumi_error *err)
{
    gguf_str name = { "default", 7 };
    model_source_get_str(src, "tokenizer.ggml.pre", &name);
    if (!(t->rule = pretok_find_rule(name.data, name.n)))
        return sumi_fail(err, SUMI_EUNSUPPORTED, "%s: pre-tokenizer '%.*s' is not supported", model_source_name(src),
                         (int)(name.n < 60 ? name.n : 60), name.data);
    bool ignore_merges = read_flag(src, "tokenizer.ggml.ignore_merges", t->rule->ignore_merges);
    t->add_bos = read_flag(src, "tokenizer.ggml.add_bos_token", t->rule->add_bos);
    t->add_eos = read_flag(src, "tokenizer.ggml.add_eos_token", false);
    sumi_status status = pretok_create(&t->pretok, t->rule, true, err);
    return status ? status : byte_bpe_init(&t->bytes, &t->v, src, ignore_merges, t->rule->long_pieces, err);
}

/* Spaces in the form of SentencePiece's tokens: each becomes U+2581, and one is added in front. */
static sumi_status normalize_spaces(const tokenizer *t, const char *text, size_t n, char **out, size_t *n_out)
{
    buf b;
    buf_init(&b, MAX_CHANGED);
    if (t->add_space && n) buf_append_char(&b, ' ');
    for (size_t i = 0; i < n; i++) {
        bool symbol = n - i >= SPACE_BYTES && !memcmp(text + i, SPACE_SYMBOL, SPACE_BYTES);
        buf_append_char(&b, symbol ? ' ' : text[i]);
        i += symbol ? SPACE_BYTES - 1 : 0;
    }
    *out = b.status ? NULL : buf_take(&b, n_out);
    buf_deinit(&b);
    return *out ? SUMI_OK : SUMI_ENOMEM;
}

/* added_normalize_fn: the text in which normalised tokens are searched; valid UTF-8 if the vocabulary is byte-level. */
static sumi_status normalize(const void *user, const char *text, size_t n, char **out, size_t *n_out)
{
    const tokenizer *t = user;
    *out = NULL;
    if (t->v.model == VOCAB_WORDPIECE) return wordpiece_normalize(&t->wordpiece, text, n, out, n_out);
    if (t->v.model == VOCAB_SENTENCEPIECE && t->added.space_symbols) return normalize_spaces(t, text, n, out, n_out);
    if (t->v.model != VOCAB_BYTE_LEVEL || !t->rule->normalizes) return SUMI_OK;
    return utf8_valid_prefix(text, n) == n ? normalize_form(t->rule->form, text, n, out, n_out) : SUMI_OK;
}

/* BOS and EOS by the flags, unless the file lists the tokens around a text. */
static sumi_status read_around(tokenizer *t, const model_source *src, sumi_error *err)
{
    sumi_status status = token_ids_read(&t->v, src, "sumi.tokenizer.before_text", &t->before, err);
    if (!status) status = token_ids_read(&t->v, src, "sumi.tokenizer.after_text", &t->after, err);
    if (status) return status;
    if (!t->before.n && t->add_bos && t->bos >= 0) id_list_add(&t->before, t->bos);
    if (!t->after.n && t->add_eos && t->eos >= 0) id_list_add(&t->after, t->eos);
    if (!t->before.failed && !t->after.failed) return SUMI_OK;
    return sumi_fail(err, SUMI_ENOMEM, "tokenizer: out of memory");
}

/* Bytes that encoding certainly keeps: those of characters that are no white space, if the vocabulary has them. White
 * space beyond ASCII begins with one of four bytes; all characters with these first bytes are not counted. */
static size_t count_dark_bytes(const tokenizer *t, const char *text, size_t n_bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c == 0xC2) i += 1;
        else if (c >= 0xE1 && c <= 0xE3) i += 2;
        else n += c > ' ' && t->v.byte_id[c] >= 0;
    }
    return n;
}

/* Whether the number of a text's bytes bounds the number of its tokens: not if many characters may become one unknown
 * token, or if normalization may drop bytes. */
static bool keeps_bytes(const tokenizer *t)
{
    bool all = true;
    for (int b = 0; b < 256; b++) all = all && t->v.byte_id[b] >= 0;
    if (t->v.model == VOCAB_SENTENCEPIECE) return all;
    return t->v.model == VOCAB_BYTE_LEVEL && (all || !t->rule->normalizes);
}

static size_t find_longest(const tokenizer *t)
{
    size_t longest = 0;
    for (int32_t i = 0; keeps_bytes(t) && i < t->v.n_tokens; i++) {
        size_t n = count_dark_bytes(t, t->v.raw[i].data, t->v.raw[i].n);
        if (n > longest) longest = n;
    }
    return longest;
}

static sumi_status fill(tokenizer *t, const model_source *src, sumi_error *err)
{
    int32_t unknown = -1;
    sumi_status status = vocab_init(&t->v, src, err);
    if (!status && (status = added_tokens_init(&t->added, &t->v, src, err)))
        sumi_fail_in(err, "%s", model_source_name(src));
    if (!status) status = read_ids(t, src, &unknown, err);
    if (status) return status;
    switch (t->v.model) {
    case VOCAB_BYTE_LEVEL: status = create_byte_level(t, src, err); break;
    case VOCAB_SENTENCEPIECE: status = create_sentencepiece(t, src, unknown, err); break;
    case VOCAB_UNIGRAM: status = create_unigram(t, src, unknown, err); break;
    case VOCAB_WORDPIECE: create_wordpiece(t, src, unknown); break;
    }
    if (!status) status = added_tokens_normalize(&t->added, &t->v, normalize, t, err);
    if (!status) status = read_around(t, src, err);
    if (status) return status;
    t->longest = find_longest(t);
    if (!(t->ends = calloc((size_t)t->v.n_tokens, sizeof *t->ends)))
        return sumi_fail(err, SUMI_ENOMEM, "tokenizer: out of memory");
    return end_tokens_find(t->ends, &t->v, src, t->eos, err);
}

sumi_status tokenizer_create(tokenizer **out, const model_source *src, sumi_error *err)
{
    *out = NULL;
    tokenizer *t = calloc(1, sizeof *t);
    if (!t) return sumi_fail(err, SUMI_ENOMEM, "tokenizer: out of memory");
    sumi_status status = fill(t, src, err);
    if (status) tokenizer_destroy(t);
    else *out = t;
    return status;
}

void tokenizer_destroy(tokenizer *t)
{
    if (!t) return;
    spm_deinit(&t->spm);
    unigram_deinit(&t->unigram);
    byte_bpe_deinit(&t->bytes);
    pretok_destroy(t->pretok);
    added_tokens_deinit(&t->added);
    vocab_deinit(&t->v);
    free(t->before.ids);
    free(t->after.ids);
    free(t->ends);
    free(t);
}

/* ---- Asking ------------------------------------------------------------------------------------------------- */

static bool is_token(const tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->v.n_tokens;
}

int32_t tokenizer_n_vocab(const tokenizer *t)
{
    return t->v.n_tokens;
}

int32_t tokenizer_bos(const tokenizer *t)
{
    return t->bos;
}

int32_t tokenizer_eos(const tokenizer *t)
{
    return t->eos;
}

/* The number of ids of `around` at the front or at the end of a text of n ids. */
static int32_t count_around(const id_list *around, const int32_t *ids, int32_t n, bool front)
{
    int32_t k = (int32_t)around->n;
    if (k > n || !k) return 0;
    return memcmp(front ? ids : ids + n - k, around->ids, (size_t)k * sizeof *ids) ? 0 : k;
}

void tokenizer_find_text(const tokenizer *t, const int32_t *ids, int32_t n, int32_t *first, int32_t *n_text)
{
    *first = count_around(&t->before, ids, n, true);
    *n_text = n - *first - count_around(&t->after, ids + *first, n - *first, false);
}

bool tokenizer_adds_space(const tokenizer *t)
{
    return t->add_space;
}

bool tokenizer_is_end(const tokenizer *t, int32_t id)
{
    return is_token(t, id) && t->ends[id];
}

bool tokenizer_is_special(const tokenizer *t, int32_t id)
{
    return is_token(t, id) && (t->v.kind[id] == TOKEN_CONTROL || t->v.kind[id] == TOKEN_UNKNOWN);
}

const char *tokenizer_text(const tokenizer *t, int32_t id, size_t *n_bytes)
{
    *n_bytes = is_token(t, id) ? t->v.raw[id].n : 0;
    return is_token(t, id) ? t->v.raw[id].data : NULL;
}

int64_t tokenizer_fewest_tokens(const tokenizer *t, const char *text, size_t n_bytes)
{
    enum { NORMAL_SHRINKS = 4 }; /* times at most: of characters of four bytes NFKC makes ASCII */
    if (t->longest == 0) return 0;
    bool normalizes = t->v.model == VOCAB_BYTE_LEVEL && t->rule->normalizes;
    return (int64_t)(count_dark_bytes(t, text, n_bytes) / t->longest / (normalizes ? NORMAL_SHRINKS : 1));
}

/* ---- Encoding ----------------------------------------------------------------------------------------------- */

typedef struct encoder {
    const tokenizer *t;
    bool control; /* control tokens are found in text */
    id_list out;
    word_cache cache;
    spm_work spm; /* its bpe serves byte-level vocabularies too */
    bpe_forward_work forward;
    wordpiece_work wordpiece;
    unigram_work unigram;
    pretok_work *pretok;
    sumi_status status;
} encoder;

static bool encode_piece(void *user, const char *piece, size_t n)
{
    encoder *e = user;
    if (word_cache_get(&e->cache, WORD_WHOLE, piece, n, &e->out)) return !e->out.failed;
    size_t first = e->out.n;
    e->status = byte_bpe_encode(&e->t->bytes, &e->spm.merge, &e->forward, piece, n, &e->out);
    if (e->status) return false;
    word_cache_put(&e->cache, WORD_WHOLE, piece, n, &e->out, first);
    return true;
}

/* Encodes text in its normal form, stretch by stretch between seams. */
static void encode_normal(encoder *e, const char *text, size_t n)
{
    for (size_t i = 0, end; i < n && !e->status; i = end) {
        end = e->t->rule->seamless ? n : pretok_seam(text, n, i);
        size_t first = e->out.n;
        if (word_cache_get(&e->cache, WORD_STRETCH, text + i, end - i, &e->out)) continue;
        sumi_status status = pretok_split(e->t->pretok, e->pretok, text + i, end - i, encode_piece, e);
        if (status) e->status = status;
        if (!e->status) word_cache_put(&e->cache, WORD_STRETCH, text + i, end - i, &e->out, first);
    }
}

typedef void (*encode_fn)(encoder *e, const char *text, size_t n);

/* Text that normalising has changed has a cache of its own, because the cache stores positions in the text. Takes
 * ownership of `changed`. */
static void encode_changed(encoder *e, char *changed, size_t n, encode_fn encode)
{
    word_cache cache = e->cache;
    word_cache_init(&e->cache, e->t->v.key, changed, n);
    encode(e, changed, n);
    word_cache_deinit(&e->cache);
    e->cache = cache;
    free(changed);
}

/* Byte-level text: `encode` takes stretches of valid UTF-8 through the pre-tokenizer. A run of invalid bytes is a piece of
 * its own and never reaches the regular expression, which could not classify the bytes as letters or anything else. */
static void encode_bytes(encoder *e, const char *text, size_t n, encode_fn encode)
{
    for (size_t i = 0; i < n && !e->status;) {
        size_t valid = utf8_valid_prefix(text + i, n - i), invalid = 0;
        if (valid) encode(e, text + i, valid);
        i += valid;
        uint32_t cp;
        while (i + invalid < n && !utf8_decode(text + i + invalid, n - i - invalid, &cp)) invalid++;
        if (invalid && !e->status) encode_piece(e, text + i, invalid);
        i += invalid;
    }
}

/* Encodes the text between normalised tokens; a token may have cut a character in two. The space that normalising adds in
 * front is in the text already. */
static void encode_between(encoder *e, const char *text, size_t n)
{
    const tokenizer *t = e->t;
    if (!n || e->status) return;
    switch (t->v.model) {
    case VOCAB_BYTE_LEVEL: encode_bytes(e, text, n, encode_normal); break;
    case VOCAB_SENTENCEPIECE:
        e->status = spm_encode(&t->spm, &e->spm, text, n, !t->added.space_symbols, &e->out);
        break;
    case VOCAB_UNIGRAM: e->status = unigram_encode(&t->unigram, &e->unigram, text, n, &e->out); break;
    case VOCAB_WORDPIECE: e->status = wordpiece_encode(&t->wordpiece, &e->wordpiece, text, n, &e->out); break;
    }
}

/* Normalised text, in which some of the special tokens are found. */
static void encode_normalized(encoder *e, const char *text, size_t n)
{
    added_walk w = { 0 };
    added_match m;
    for (size_t from = 0;; from = w.end) {
        bool found = added_tokens_next(&e->t->added, true, e->control, text, n, &w, &m);
        size_t end = found ? m.start : n;
        if (end > from) encode_between(e, text + from, end - from);
        if (!found || e->status) return;
        id_list_add(&e->out, m.id);
    }
}

static void encode_valid(encoder *e, const char *text, size_t n)
{
    char *normal = NULL;
    size_t n_normal = 0;
    encode_fn encode = e->t->added.has_normal ? encode_normalized : encode_normal;
    if (e->t->rule->normalizes) e->status = normalize_form(e->t->rule->form, text, n, &normal, &n_normal);
    if (e->status) return;
    if (normal) encode_changed(e, normal, n_normal, encode);
    else encode(e, text, n);
}

/* A vocabulary that is not byte-level, some of whose special tokens are found in normalised text. */
static void encode_and_find(encoder *e, const char *text, size_t n)
{
    char *normal;
    size_t n_normal;
    e->status = normalize(e->t, text, n, &normal, &n_normal);
    if (e->status) return;
    if (normal) encode_changed(e, normal, n_normal, encode_normalized);
    else encode_normalized(e, text, n);
}

/* Text after the start or a special token. */
static void encode_sentencepiece(encoder *e, const char *text, size_t n)
{
    e->status = spm_encode(&e->t->spm, &e->spm, text, n, true, &e->out);
}

static void encode_lower(encoder *e, const char *text, size_t n)
{
    char *lower = NULL;
    size_t n_lower;
    if (utf8_valid_prefix(text, n) == n) e->status = normalize_lower(text, n, &lower, &n_lower);
    if (e->status) return;
    if (lower) encode_changed(e, lower, n_lower, encode_sentencepiece);
    else encode_sentencepiece(e, text, n);
}

static void encode_segment(encoder *e, const char *text, size_t n)
{
    const tokenizer *t = e->t;
    if (!n || e->status) return;
    if (t->v.model == VOCAB_BYTE_LEVEL) {
        encode_bytes(e, text, n, encode_valid);
    } else if (t->added.has_normal) {
        encode_and_find(e, text, n);
    } else if (t->lower) {
        encode_lower(e, text, n);
    } else if (t->v.model == VOCAB_SENTENCEPIECE) {
        encode_sentencepiece(e, text, n);
    } else {
        encode_between(e, text, n);
    }
}

static void encode_text(encoder *e, const char *text, size_t n)
{
    added_walk w = { 0 };
    added_match m;
    for (size_t from = 0;; from = w.end) {
        bool found = added_tokens_next(&e->t->added, false, e->control, text, n, &w, &m);
        size_t end = found ? m.start : n;
        if (end > from) encode_segment(e, text + from, end - from);
        if (!found || e->status) return;
        id_list_add(&e->out, m.id);
    }
}

static sumi_status encoder_init(encoder *e, const tokenizer *t, const char *text, size_t n)
{
    *e = (encoder){ .t = t };
    bpe_init(&e->spm.merge);
    buf_init(&e->spm.word, MAX_CHANGED);
    unigram_work_init(&e->unigram, MAX_CHANGED);
    word_cache_init(&e->cache, t->v.key, text, n);
    buf_init(&e->wordpiece.clean, SIZE_MAX);
    buf_init(&e->wordpiece.word, SIZE_MAX);
    e->spm.cache = e->wordpiece.cache = &e->cache;
    bool ok = id_list_reserve(&e->out, n / 4 + 8);
    if (t->v.model == VOCAB_BYTE_LEVEL) ok = (e->pretok = pretok_work_create(t->pretok)) && ok;
    return ok ? SUMI_OK : SUMI_ENOMEM;
}

static void encoder_deinit(encoder *e)
{
    pretok_work_destroy(e->pretok);
    word_cache_deinit(&e->cache);
    buf_deinit(&e->spm.word);
    buf_deinit(&e->wordpiece.clean);
    buf_deinit(&e->wordpiece.word);
    unigram_work_deinit(&e->unigram);
    bpe_deinit(&e->spm.merge);
    bpe_forward_work_deinit(&e->forward);
    free(e->out.ids);
}

sumi_status tokenizer_encode(const tokenizer *t, const char *text, size_t n_bytes, uint32_t flags, int32_t **ids,
                             int32_t *n_ids, sumi_error *err)
{
    *ids = NULL;
    *n_ids = 0;
    if (n_bytes > TOKENIZER_MAX_TEXT)
        return sumi_fail(err, SUMI_ELIMIT, "a text of %zu bytes; at most %zu can be tokenised at once", n_bytes,
                         TOKENIZER_MAX_TEXT);
    encoder e;
    sumi_status status = encoder_init(&e, t, text, n_bytes);
    bool wrap = flags & SUMI_TOKENIZE_BOS_EOS;
    if (!status) {
        if (wrap) id_list_add_all(&e.out, &t->before);
        e.control = flags & SUMI_TOKENIZE_SPECIAL;
        encode_text(&e, text, n_bytes);
        if (wrap) id_list_add_all(&e.out, &t->after);
        status = e.status ? e.status : e.out.failed ? SUMI_ENOMEM : SUMI_OK;
    }
    if (!status) { /* at most four tokens for each byte: their number fits in 32 bits */
        *ids = e.out.ids;
        *n_ids = (int32_t)e.out.n;
        e.out.ids = NULL;
    }
    encoder_deinit(&e);
    return status ? sumi_fail(err, status, "tokenising %zu bytes: %s", n_bytes, sumi_status_text(status)) : SUMI_OK;
}

/* ---- Decoding ----------------------------------------------------------------------------------------------- */

sumi_status tokenizer_decode(const tokenizer *t, const int32_t *ids, int32_t n_ids, bool special, char **text,
                             size_t *n_bytes, sumi_error *err)
{
    buf out;
    bool strip = t->add_space;
    *text = NULL;
    *n_bytes = 0;
    buf_init(&out, MAX_DECODED);
    for (int32_t i = 0; i < n_ids; i++) {
        if (!is_token(t, ids[i])) {
            buf_deinit(&out);
            return sumi_fail(err, SUMI_EINVAL, "token %d (number %d of %d) is outside the vocabulary of %d tokens",
                             ids[i], i + 1, n_ids, t->v.n_tokens);
        }
        bool is_special = tokenizer_is_special(t, ids[i]);
        if (is_special && !special) continue;
        const vocab_text *raw = &t->v.raw[ids[i]];
        size_t skip = strip && !is_special && raw->n && raw->data[0] == ' ';
        if (!is_special) strip = false;
        buf_append(&out, raw->data + skip, raw->n - skip);
    }
    sumi_status status = out.status;
    if (!status && (*text = buf_take(&out, n_bytes))) return SUMI_OK;
    buf_deinit(&out);
    return sumi_fail(err, status ? status : SUMI_ENOMEM, "text of %d tokens: %s", n_ids,
                     sumi_status_text(status ? status : SUMI_ENOMEM));
}
