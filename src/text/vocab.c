/* vocab.c - see vocab.h.
 *
 * Start-up time matters here: Gemma has 262,144 tokens. Each token is read once, its texts are borrowed from the file's
 * memory if they need no change, and the table has its final size from the start. */
#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "text/bpe/byte_alphabet.h"

#define SPACE_SYMBOL "\xE2\x96\x81" /* U+2581 */
#define ADD_AHEAD    32             /* symbols whose places in the table are fetched together */

void vocab_deinit(vocab *v)
{
    free(v->symbol);
    free(v->raw);
    free(v->kind);
    free(v->slots);
    free(v->arena);
    *v = (vocab){ 0 };
}

/* ---- Finding ------------------------------------------------------------------------------------------------ */

typedef struct lookup {
    uint64_t hash, head;
    const char *symbol;
    size_t n;
} lookup;

static lookup prepare(const vocab *v, const char *symbol, size_t n)
{
    return (lookup){ hash_bytes(v->key, symbol, n), hash_load(symbol, n < 8 ? n : 8), symbol, n };
}

/* The slot that holds the symbol, or the empty one where it belongs. */
static vocab_slot *find_slot(const vocab *v, const lookup *l)
{
    uint16_t tag = (uint16_t)(l->hash >> 48);
    for (uint64_t i = l->hash & v->mask;; i = (i + 1) & v->mask) {
        vocab_slot *s = &v->slots[i];
        if (!s->id_1) return s;
        if (s->head != l->head || s->n != l->n || s->tag != tag) continue;
        if (l->n <= 8 || memcmp(v->symbol[s->id_1 - 1].data + 8, l->symbol + 8, l->n - 8) == 0) return s;
    }
}

int32_t vocab_find(const vocab *v, const char *symbol, size_t n)
{
    if (n > v->max_symbol_bytes) return -1;
    lookup l = prepare(v, symbol, n);
    return (int32_t)find_slot(v, &l)->id_1 - 1;
}

/* Puts the symbols of tokens first to end - 1 into the table. Their places are fetched ahead, for the table is
 * larger than the caches near the core. */
static void add_symbols(vocab *v, int32_t first, int32_t end)
{
    lookup ahead[ADD_AHEAD];
    int32_t ids[ADD_AHEAD], n = 0;
    for (int32_t id = first; id < end; id++) {
        const vocab_text *t = &v->symbol[id];
        if (!t->n || !vocab_can_merge(v, id)) continue;
        /* An added token of WordPiece is no piece: it has no mark for the beginning of a word. */
        if (v->model == VOCAB_WORDPIECE && v->kind[id] == TOKEN_USER_DEFINED) continue;
        if (t->n > v->max_symbol_bytes) v->max_symbol_bytes = t->n;
        ids[n] = id;
        ahead[n] = prepare(v, t->data, t->n);
        __builtin_prefetch(&v->slots[ahead[n++].hash & v->mask], 1);
    }
    for (int32_t i = 0; i < n; i++) {
        const lookup *l = &ahead[i];
        vocab_slot *s = find_slot(v, l);
        v->has_duplicates = v->has_duplicates || s->id_1;
        *s = (vocab_slot){ l->head, (uint32_t)ids[i] + 1, (uint16_t)l->n, (uint16_t)(l->hash >> 48) };
    }
}

/* ---- Texts -------------------------------------------------------------------------------------------------- */

/* The byte of a token that is spelled "<0x41>"; -1: it is spelled otherwise. */
static int32_t parse_byte_token(const vocab_text *t)
{
    static const char digits[] = "0123456789ABCDEF";
    if (t->n != 6 || memcmp(t->data, "<0x", 3) || t->data[5] != '>' || !t->data[3] || !t->data[4]) return -1;
    const char *high = strchr(digits, t->data[3]), *low = strchr(digits, t->data[4]);
    return high && low ? (int32_t)((high - digits) * 16 + (low - digits)) : -1;
}

/* Copies t to *arena with every `from` replaced by `to`, which may only shrink it or triple it. */
static vocab_text replace(const vocab_text *t, const char *from, size_t n_from, const char *to, size_t n_to,
                          char **arena)
{
    char *start = *arena, *w = start;
    for (uint32_t i = 0; i < t->n;) {
        if (t->data[i] == from[0] && t->n - i >= n_from && !memcmp(t->data + i, from, n_from)) {
            for (size_t k = 0; k < n_to; k++) *w++ = to[k];
            i += (uint32_t)n_from;
        } else {
            *w++ = t->data[i++];
        }
    }
    *arena = w;
    return (vocab_text){ start, (uint32_t)(w - start) };
}

static bool is_run_of(const vocab_text *t, char c)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (t->data[i] != c) return false;
    return t->n > 0;
}

/* One token of a SentencePiece vocabulary; *arena is where its changed texts may go. */
static void set_sentencepiece(vocab *v, int32_t id, bool kinds_known, char **arena)
{
    vocab_text *t = &v->symbol[id];
    bool may_be_byte = v->kind[id] == TOKEN_BYTE || !kinds_known || (v->chars && v->kind[id] == TOKEN_NORMAL);
    int32_t byte = may_be_byte ? parse_byte_token(t) : -1;
    if (v->chars == CHARS_GEMMA4 && v->kind[id] == TOKEN_NORMAL && t->n > 1 && is_run_of(t, '\n'))
        v->kind[id] = TOKEN_USER_DEFINED;
    if (byte >= 0) {
        v->kind[id] = TOKEN_BYTE;
        v->byte_id[byte] = id;
        v->raw[id] = (vocab_text){ *arena, 1 };
        *(*arena)++ = (char)byte;
    } else if (v->kind[id] == TOKEN_USER_DEFINED && is_run_of(t, ' ')) {
        /* Converters write runs of U+2581 as real spaces; merges know them by their old name. */
        v->raw[id] = *t;
        *t = replace(t, " ", 1, SPACE_SYMBOL, 3, arena);
    } else if ((v->kind[id] == TOKEN_NORMAL || v->kind[id] == TOKEN_UNUSED) && memchr(t->data, '\xE2', t->n)) {
        v->raw[id] = replace(t, SPACE_SYMBOL, 3, " ", 1, arena);
    } else {
        v->raw[id] = *t;
    }
}

/* One token of a WordPiece vocabulary: the beginning of a word is a space. */
static void set_wordpiece(vocab *v, int32_t id, char **arena)
{
    const vocab_text *t = &v->symbol[id];
    v->raw[id] = *t;
    bool begins = t->n > 3 && !memcmp(t->data, SPACE_SYMBOL, 3);
    if (!begins || (v->kind[id] != TOKEN_NORMAL && v->kind[id] != TOKEN_UNUSED)) return;
    v->raw[id] = (vocab_text){ *arena, t->n - 2 };
    *(*arena)++ = ' ';
    memcpy(*arena, t->data + 3, t->n - 3);
    *arena += t->n - 3;
}

/* One token of a byte-level vocabulary. Tokens with characters outside the alphabet stand for themselves. */
static void set_byte_level(vocab *v, int32_t id, const byte_alphabet *a, char **arena)
{
    const vocab_text *t = &v->symbol[id];
    v->raw[id] = *t;
    if (v->kind[id] != TOKEN_NORMAL && v->kind[id] != TOKEN_UNUSED) return;
    int64_t n = byte_alphabet_decode(a, t->data, t->n, *arena);
    if (n < 0) return;
    v->raw[id] = (vocab_text){ *arena, (uint32_t)n };
    *arena += n;
    if (n == 1) v->byte_id[(uint8_t)v->raw[id].data[0]] = id;
}

/* ---- Reading the file --------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    vocab_model model;
    vocab_chars chars;
} models[] = { { "gpt2", VOCAB_BYTE_LEVEL, CHARS_NONE },
               { "llama", VOCAB_SENTENCEPIECE, CHARS_NONE },
               { "t5", VOCAB_UNIGRAM, CHARS_NONE },
               { "bert", VOCAB_WORDPIECE, CHARS_NONE },
               { "gemma4", VOCAB_SENTENCEPIECE, CHARS_GEMMA4 },
               { "whitespace", VOCAB_SENTENCEPIECE, CHARS_WORDS } };

/* Pre-tokenizers of "gpt2" that say that its merges are of characters. */
static const struct {
    const char *pre;
    vocab_chars chars;
} of_chars[] = { { "gemma4", CHARS_GEMMA4 },
                 { "granite-embed-multi-311m", CHARS_GEMMA4 },
                 { "sarvam-moe", CHARS_SPACES },
                 { "whitespace", CHARS_WORDS } };

static void set_chars(vocab *v, const model_source *src)
{
    gguf_str pre;
    if (v->model != VOCAB_BYTE_LEVEL || !model_source_get_str(src, "tokenizer.ggml.pre", &pre)) return;
    for (size_t i = 0; i < sizeof of_chars / sizeof *of_chars; i++)
        if (gguf_str_is(pre, of_chars[i].pre)) v->chars = of_chars[i].chars;
    if (v->chars) v->model = VOCAB_SENTENCEPIECE;
}

static sumi_status read_model(vocab *v, const model_source *src, sumi_error *err)
{
    gguf_str model;
    if (!model_source_get_str(src, "tokenizer.ggml.model", &model))
        return sumi_fail(err, SUMI_EFORMAT, "%s: tokenizer.ggml.model is missing: the file holds no tokenizer",
                         model_source_name(src));
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (!gguf_str_is(model, models[i].name)) continue;
        v->model = models[i].model;
        v->chars = models[i].chars;
        set_chars(v, src);
        return SUMI_OK;
    }
    return sumi_fail(err, SUMI_EUNSUPPORTED,
                     "%s: tokenizer model '%.*s' is not supported; 'gpt2', 'llama', 't5', 'bert', 'gemma4' and "
                     "'whitespace' are",
                     model_source_name(src), (int)(model.n < 60 ? model.n : 60), model.data);
}

static sumi_status read_kinds(vocab *v, const model_source *src, bool *known, sumi_error *err)
{
    gguf_array kinds;
    memset(v->kind, TOKEN_NORMAL, (size_t)v->n_tokens);
    *known = model_source_find_key(src, "tokenizer.ggml.token_type") >= 0;
    if (!*known) return SUMI_OK;
    if (!model_source_get_array(src, "tokenizer.ggml.token_type", &kinds) ||
        (kinds.type != GGUF_I32 && kinds.type != GGUF_U32) || kinds.n != (uint64_t)v->n_tokens)
        return sumi_fail(err, SUMI_EFORMAT, "%s: tokenizer.ggml.token_type is not an array of %d 32-bit integers",
                         model_source_name(src), v->n_tokens);
    for (int32_t i = 0; i < v->n_tokens; i++) {
        int32_t kind;
        memcpy(&kind, (const char *)kinds.data + (size_t)i * 4, 4);
        if (kind < 0 || kind > TOKEN_BYTE)
            return sumi_fail(err, SUMI_EFORMAT, "%s: token %d has type %d; 1 to 6 are known", model_source_name(src), i,
                             kind);
        if (kind) v->kind[i] = (uint8_t)kind; /* 0, "undefined", is a normal one */
    }
    return SUMI_OK;
}

/* The texts as the file has them go to symbol[]; *arena_bytes is enough for all changed copies. */
static sumi_status read_texts(vocab *v, const model_source *src, const gguf_array *tokens, size_t *arena_bytes,
                              sumi_error *err)
{
    *arena_bytes = 0;
    for (int32_t i = 0; i < v->n_tokens; i++) {
        gguf_str s = model_source_array_str(src, tokens, (uint64_t)i);
        if (s.n > VOCAB_MAX_TOKEN_BYTES)
            return sumi_fail(err, SUMI_ELIMIT, "%s: token %d has %zu bytes; at most %d are possible",
                             model_source_name(src), i, s.n, VOCAB_MAX_TOKEN_BYTES);
        v->symbol[i] = (vocab_text){ s.data, (uint32_t)s.n };
        *arena_bytes += v->kind[i] == TOKEN_USER_DEFINED ? 3 * s.n : s.n;
    }
    return SUMI_OK;
}

static sumi_status set_texts(vocab *v, bool kinds_known, size_t arena_bytes, sumi_error *err)
{
    uint64_t n_slots = 16;
    while (n_slots < 2 * (uint64_t)v->n_tokens) n_slots *= 2;
    v->arena = malloc(arena_bytes + 1);
    v->slots = calloc(n_slots, sizeof *v->slots);
    if (!v->arena || !v->slots)
        return sumi_fail(err, SUMI_ENOMEM, "vocabulary of %d tokens: out of memory", v->n_tokens);
    v->mask = n_slots - 1;
    v->key = hash_key_draw();
    memset(v->byte_id, -1, sizeof v->byte_id);
    byte_alphabet alphabet;
    byte_alphabet_init(&alphabet);
    char *arena = v->arena;
    for (int32_t first = 0; first < v->n_tokens; first += ADD_AHEAD) {
        int32_t end = v->n_tokens - first < ADD_AHEAD ? v->n_tokens : first + ADD_AHEAD;
        for (int32_t i = first; i < end; i++) {
            if (v->model == VOCAB_BYTE_LEVEL) set_byte_level(v, i, &alphabet, &arena);
            else if (v->model == VOCAB_WORDPIECE) set_wordpiece(v, i, &arena);
            else set_sentencepiece(v, i, kinds_known, &arena);
        }
        add_symbols(v, first, end);
    }
    return SUMI_OK;
}

sumi_status vocab_init(vocab *v, const model_source *src, sumi_error *err)
{
    gguf_array tokens;
    bool kinds_known;
    size_t arena_bytes;
    *v = (vocab){ 0 };
    sumi_status status = read_model(v, src, err);
    if (status) return status;
    if (!model_source_get_array(src, "tokenizer.ggml.tokens", &tokens) || tokens.type != GGUF_STRING || tokens.n == 0)
        return sumi_fail(err, SUMI_EFORMAT, "%s: tokenizer.ggml.tokens is missing or no array of strings",
                         model_source_name(src));
    if (tokens.n > VOCAB_MAX_TOKENS)
        return sumi_fail(err, SUMI_ELIMIT, "%s: %llu tokens; at most %d are possible", model_source_name(src),
                         (unsigned long long)tokens.n, VOCAB_MAX_TOKENS);
    v->n_tokens = (int32_t)tokens.n;
    v->symbol = malloc((size_t)v->n_tokens * sizeof *v->symbol);
    v->raw = malloc((size_t)v->n_tokens * sizeof *v->raw);
    v->kind = malloc((size_t)v->n_tokens);
    if (!v->symbol || !v->raw || !v->kind)
        return sumi_fail(err, SUMI_ENOMEM, "vocabulary of %d tokens: out of memory", v->n_tokens);
    if ((status = read_kinds(v, src, &kinds_known, err))) return status;
    if ((status = read_texts(v, src, &tokens, &arena_bytes, err))) return status;
    return set_texts(v, kinds_known, arena_bytes, err);
}

sumi_status vocab_read_scores(const vocab *v, const model_source *src, const char **scores, sumi_error *err)
{
    gguf_array a;
    *scores = NULL;
    if (model_source_find_key(src, "tokenizer.ggml.scores") < 0) return SUMI_OK;
    if (!model_source_get_array(src, "tokenizer.ggml.scores", &a) || a.type != GGUF_F32 || a.n != (uint64_t)v->n_tokens)
        return sumi_fail(err, SUMI_EFORMAT, "%s: tokenizer.ggml.scores is not an array of %d float32 values",
                         model_source_name(src), v->n_tokens);
    *scores = a.data;
    return SUMI_OK;
}
