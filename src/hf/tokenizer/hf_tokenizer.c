/* hf_tokenizer.c - see hf_tokenizer.h.
 *
 *   tokenizer.json                                 tokenizer.ggml.model
 *   BPE behind a ByteLevel                         gpt2: tokens in GPT-2's alphabet, merges as "LEFT RIGHT"
 *   BPE on characters, U+2581 for spaces           llama: merges become scores
 *   BPE on characters, WhitespaceSplit             gpt2, "whitespace": tokens and merges as they are
 *   WordPiece                                      bert: U+2581 begins a word; "##" inside a word is removed
 *   Unigram                                        t5: tokens and scores as they are; its switches are in hf_unigram.c
 *
 * SentencePiece merges the pair whose joined token has the best score. The merges of its vocabularies in tokenizer.json
 * are listed by this score, and all pairs that form one token are adjacent. So minus the place of a token's first merge is
 * a score that gives the same order of merges. */
#include "hf/tokenizer/hf_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/strmap.h"

#define MAX_TOKENS (1 << 24)

#define SPACE "\xE2\x96\x81" /* U+2581 */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- Tokens ------------------------------------------------------------------------------------------------- */

static json_int_t id_of(const json_t *id)
{
    return json_is_integer(id) ? json_integer_value(id) : -1;
}

static sumi_status put_token(hf_vocab *v, const char *text, size_t n, json_int_t i, int32_t kind, sumi_error *err)
{
    if (i < 0 || i >= MAX_TOKENS)
        return sumi_fail(err, SUMI_EFORMAT, "token '%.60s' has no id from 0 to %d", text, MAX_TOKENS - 1);
    if (i < v->n) v->tokens[i] = (hf_token){ text, n, kind, 0, 0 };
    return SUMI_OK;
}

/* One above the largest id. */
static int64_t count_tokens(const json_t *vocab, const json_t *added)
{
    int64_t n = (int64_t)json_array_size(vocab);
    const char *text;
    json_t *id;
    json_object_foreach((json_t *)(uintptr_t)vocab, text, id)
    {
        (void)text;
        if (json_integer_value(id) >= n) n = json_integer_value(id) + 1;
    }
    for (size_t i = 0; i < json_array_size(added); i++) {
        json_int_t one = json_integer_value(json_object_get(json_array_get(added, i), "id"));
        if (one >= n) n = one + 1;
    }
    return n;
}

static bool begins_and_ends(const char *text, const char *begin, const char *end)
{
    size_t n = strlen(text), b = strlen(begin), e = strlen(end);
    return n >= b + e && !memcmp(text, begin, b) && !memcmp(text + n - e, end, e);
}

/* Some files do not mark all special tokens: this is the rule of llama.cpp's converter. */
static bool looks_special(const char *text)
{
    static const char *const names[] = { "<pad>", "<mask>", "<2mass>", "[@BOS@]" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(text, names[i])) return true;
    return begins_and_ends(text, "<|", "|>") || begins_and_ends(text, "<\xEF\xBD\x9C", "\xEF\xBD\x9C>") ||
           begins_and_ends(text, "<unused", ">");
}

static sumi_status read_added(hf_vocab *v, const json_t *added, sumi_error *err)
{
    sumi_status st = SUMI_OK;
    for (size_t i = 0; i < json_array_size(added) && st == SUMI_OK; i++) {
        const json_t *t = json_array_get(added, i), *text = json_object_get(t, "content");
        if (!json_is_string(text)) return sumi_fail(err, SUMI_EFORMAT, "added token %zu has no content", i);
        bool special = json_is_true(json_object_get(t, "special")) || looks_special(json_string_value(text));
        json_int_t id = id_of(json_object_get(t, "id"));
        st = put_token(v, json_string_value(text), json_string_length(text), id, special ? HF_CONTROL : HF_USER_DEFINED,
                       err);
        if (st == SUMI_OK && id < v->n) v->tokens[id].flags = hf_added_flags(t);
    }
    return st;
}

/* An object of ids, or a list of texts with their scores. */
static sumi_status read_vocab(hf_vocab *v, const json_t *vocab, sumi_error *err)
{
    const char *key;
    json_t *id;
    sumi_status st = SUMI_OK;
    json_object_foreach((json_t *)(uintptr_t)vocab, key,
                        id) if ((st = put_token(v, key, strlen(key), id_of(id), HF_NORMAL, err))) return st;
    for (size_t i = 0; i < json_array_size(vocab) && st == SUMI_OK; i++) {
        const json_t *one = json_array_get(vocab, i), *text = json_array_get(one, 0);
        if (!json_is_string(text) || !json_is_number(json_array_get(one, 1)))
            return sumi_fail(err, SUMI_EFORMAT, "token %zu is not a text with a score", i);
        st = put_token(v, json_string_value(text), json_string_length(text), (json_int_t)i, HF_NORMAL, err);
        if (i < (size_t)v->n) v->tokens[i].score = (float)json_number_value(json_array_get(one, 1));
    }
    return st;
}

/* Ids without a token get a name, as the embedding has a row for them. */
static sumi_status fill_gaps(hf_vocab *v, sumi_error *err)
{
    enum { MAX_NAME = 16 };
    size_t n_gaps = 0;
    for (int32_t i = 0; i < v->n; i++) n_gaps += !v->tokens[i].kind;
    if (!(v->arena = malloc(n_gaps * MAX_NAME + 1))) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    char *end = v->arena;
    for (int32_t i = 0; i < v->n; i++) {
        if (v->tokens[i].kind) continue;
        int n = snprintf(end, MAX_NAME, "[PAD%d]", (int)i);
        v->tokens[i] = (hf_token){ end, (size_t)n, HF_UNUSED, 0, 0 };
        end += MAX_NAME;
    }
    return SUMI_OK;
}

static sumi_status read_tokens(hf_vocab *v, int64_t n_vocab, sumi_error *err)
{
    const json_t *model = json_object_get(v->folder->tokenizer, "model"), *vocab = json_object_get(model, "vocab");
    const json_t *added = json_object_get(v->folder->tokenizer, "added_tokens");
    bool list = !strcmp(text_of(model, "type"), "Unigram");
    if (list ? !json_is_array(vocab) : !json_is_object(vocab))
        return sumi_fail(err, SUMI_EFORMAT, "\"vocab\" is missing or no %s", list ? "list" : "object");
    if (n_vocab == 0) n_vocab = count_tokens(vocab, added);
    if (n_vocab < 1 || n_vocab > MAX_TOKENS)
        return sumi_fail(err, SUMI_ELIMIT, "%lld tokens (1 to %d are possible)", (long long)n_vocab, MAX_TOKENS);
    v->n = (int32_t)n_vocab;
    v->tokens = calloc((size_t)v->n, sizeof *v->tokens);
    v->ids = strmap_create((size_t)v->n);
    if (!v->tokens || !v->ids) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = read_vocab(v, vocab, err);
    if (st || (st = read_added(v, added, err)) || (st = fill_gaps(v, err))) return st;
    for (int32_t i = 0; i < v->n; i++) strmap_add(v->ids, v->tokens[i].text, v->tokens[i].n, i);
    return SUMI_OK;
}

/* ---- Merges ------------------------------------------------------------------------------------------------- */

/* The two sides of a merge: a pair, or one text with a space between. */
static bool split_merge(const json_t *merge, const char **a, size_t *n_a, const char **b, size_t *n_b)
{
    const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
    if (json_is_string(left) && json_is_string(right) && json_array_size(merge) == 2) {
        *a = json_string_value(left), *n_a = json_string_length(left);
        *b = json_string_value(right), *n_b = json_string_length(right);
        return true;
    }
    const char *text = json_string_value(merge), *space = text ? strchr(text + (*text == ' '), ' ') : NULL;
    if (!space) return false;
    *a = text, *n_a = (size_t)(space - text);
    *b = space + 1, *n_b = json_string_length(merge) - *n_a - 1;
    return true;
}

static sumi_status write_merges(const hf_vocab *v, gguf_head *head, sumi_error *err)
{
    const json_t *merges = json_object_get(json_object_get(v->folder->tokenizer, "model"), "merges");
    const char *a, *b;
    size_t n_a, n_b;
    gguf_put_array(head, "tokenizer.ggml.merges", GGUF_STRING, json_array_size(merges));
    for (size_t i = 0; i < json_array_size(merges); i++) {
        if (!split_merge(json_array_get(merges, i), &a, &n_a, &b, &n_b))
            return sumi_fail(err, SUMI_EFORMAT, "merge %zu is not a pair of texts", i);
        gguf_put_text_pair(head, a, n_a, b, n_b);
    }
    return SUMI_OK;
}

/* Scores of SentencePiece. Tokens that no merge makes come after all others. */
static sumi_status score(hf_vocab *v, sumi_error *err)
{
    const json_t *merges = json_object_get(json_object_get(v->folder->tokenizer, "model"), "merges");
    const char *a, *b;
    size_t n_a, n_b, n = json_array_size(merges);
    char joined[4096];
    for (int32_t i = 0; i < v->n; i++) v->tokens[i].score = -(float)n - 1;
    for (size_t i = n; i-- > 0;) { /* backwards: the first merge of a token is written last */
        if (!split_merge(json_array_get(merges, i), &a, &n_a, &b, &n_b))
            return sumi_fail(err, SUMI_EFORMAT, "merge %zu is not a pair of texts", i);
        if (n_a + n_b > sizeof joined) continue;
        memcpy(joined, a, n_a);
        memcpy(joined + n_a, b, n_b);
        int32_t id = strmap_get(v->ids, joined, n_a + n_b);
        if (id >= 0) v->tokens[id].score = -(float)i;
    }
    return SUMI_OK;
}

/* ---- Kinds of vocabularies ---------------------------------------------------------------------------------- */

/* A user-defined token of SentencePiece, in which GGUF has real spaces. */
static void put_spaced(gguf_head *head, const hf_token *t)
{
    buf text;
    buf_init(&text, t->n);
    for (size_t i = 0; i < t->n; i++) {
        bool space = t->n - i >= 3 && !memcmp(t->text + i, SPACE, 3);
        buf_append_char(&text, space ? ' ' : t->text[i]);
        i += space ? 2 : 0;
    }
    gguf_put_text(head, text.data ? text.data : "", text.n);
    buf_deinit(&text);
}

/* A token of WordPiece. */
static void put_piece(gguf_head *head, const hf_token *t)
{
    buf text;
    bool whole = t->kind == HF_CONTROL || t->kind == HF_USER_DEFINED;
    if (whole || !strncmp(t->text, "##", 2)) {
        size_t skip = whole ? 0 : 2;
        gguf_put_text(head, t->text + skip, t->n - skip);
        return;
    }
    buf_init(&text, t->n + 3);
    buf_append_str(&text, SPACE);
    buf_append(&text, t->text, t->n);
    gguf_put_text(head, text.data ? text.data : "", text.n);
    buf_deinit(&text);
}

static void write_tokens(const hf_vocab *v, gguf_head *head)
{
    gguf_put_array(head, "tokenizer.ggml.tokens", GGUF_STRING, (uint64_t)v->n);
    for (int32_t i = 0; i < v->n; i++) {
        const hf_token *t = &v->tokens[i];
        if (v->spaced && t->kind == HF_USER_DEFINED) put_spaced(head, t);
        else if (v->pieces) put_piece(head, t);
        else gguf_put_text(head, t->text, t->n);
    }
    gguf_put_array(head, "tokenizer.ggml.token_type", GGUF_I32, (uint64_t)v->n);
    for (int32_t i = 0; i < v->n; i++) gguf_put_elements(head, &v->tokens[i].kind, 4);
}

static void write_scores(const hf_vocab *v, gguf_head *head)
{
    gguf_put_array(head, "tokenizer.ggml.scores", GGUF_F32, (uint64_t)v->n);
    for (int32_t i = 0; i < v->n; i++) gguf_put_elements(head, &v->tokens[i].score, 4);
}

/* A step of this type in a pre-tokenizer, normaliser or decoder, or in a sequence of them. */
static const json_t *find_step(const json_t *step, const char *list, const char *type)
{
    if (!strcmp(text_of(step, "type"), type)) return step;
    const json_t *steps = json_object_get(step, list);
    for (size_t i = 0; i < json_array_size(steps); i++)
        if (!strcmp(text_of(json_array_get(steps, i), "type"), type)) return json_array_get(steps, i);
    return NULL;
}

static sumi_status write_byte_level(hf_vocab *v, gguf_head *head, sumi_error *err)
{
    const json_t *pre = json_object_get(v->folder->tokenizer, "pre_tokenizer");
    sumi_error why;
    const char *name = hf_pretok_name(v->folder->tokenizer, &why);
    if (!name) {
        if (err) *err = why;
        return why.status;
    }
    if (json_is_true(json_object_get(find_step(pre, "pretokenizers", "ByteLevel"), "add_prefix_space")))
        return sumi_fail(err, SUMI_EUNSUPPORTED, "ByteLevel with add_prefix_space is not supported");
    gguf_put_str(head, "tokenizer.ggml.model", "gpt2");
    gguf_put_str(head, "tokenizer.ggml.pre", name);
    write_tokens(v, head);
    return write_merges(v, head, err);
}

/* Whether a space is put before the first word: by a normaliser, or by Metaspace. */
static bool prepends_space(const json_t *tokenizer)
{
    const json_t *meta = find_step(json_object_get(tokenizer, "pre_tokenizer"), "pretokenizers", "Metaspace");
    const char *scheme = text_of(meta, "prepend_scheme");
    if (find_step(json_object_get(tokenizer, "normalizer"), "normalizers", "Prepend")) return true;
    if (*scheme) return strcmp(scheme, "never");
    return meta && !json_is_false(json_object_get(meta, "add_prefix_space"));
}

static void set_sentencepiece_kinds(hf_vocab *v)
{
    const json_t *model = json_object_get(v->folder->tokenizer, "model");
    int32_t unknown = hf_vocab_find(v, text_of(model, "unk_token"));
    for (int32_t i = 0; i < v->n; i++)
        if (hf_is_byte_token(&v->tokens[i])) v->tokens[i].kind = HF_BYTE;
    if (unknown >= 0) v->tokens[unknown].kind = HF_UNKNOWN;
}

static sumi_status write_sentencepiece(hf_vocab *v, gguf_head *head, sumi_error *err)
{
    sumi_status st = score(v, err);
    if (st != SUMI_OK) return st;
    set_sentencepiece_kinds(v);
    v->spaced = true;
    gguf_put_str(head, "tokenizer.ggml.model", "llama");
    gguf_put_str(head, "tokenizer.ggml.pre", "default");
    gguf_put_bool(head, "tokenizer.ggml.add_space_prefix", prepends_space(v->folder->tokenizer));
    write_tokens(v, head);
    write_scores(v, head);
    return SUMI_OK;
}

/* Merges of characters, in words that end at white space (Jina's Chinese encoder). */
static sumi_status write_words(hf_vocab *v, gguf_head *head, sumi_error *err)
{
    const json_t *normal = json_object_get(v->folder->tokenizer, "normalizer");
    bool lower = !strcmp(text_of(normal, "type"), "Lowercase");
    if (json_is_object(normal) && !lower)
        return sumi_fail(err, SUMI_EUNSUPPORTED, "WhitespaceSplit with the normalizer '%.40s' is not supported",
                         text_of(normal, "type"));
    set_sentencepiece_kinds(v);
    gguf_put_str(head, "tokenizer.ggml.model", "gpt2");
    gguf_put_str(head, "tokenizer.ggml.pre", "whitespace");
    gguf_put_bool(head, "tokenizer.ggml.normalizer.lowercase", lower);
    write_tokens(v, head);
    return write_merges(v, head, err);
}

static sumi_status write_unigram(hf_vocab *v, gguf_head *head, sumi_error *err)
{
    sumi_status st = hf_unigram_write(v, head, err);
    if (st != SUMI_OK) return st;
    write_tokens(v, head);
    write_scores(v, head);
    return SUMI_OK;
}

static sumi_status refuse_step(const char *what, const json_t *step, sumi_error *err)
{
    return sumi_fail(err, SUMI_EUNSUPPORTED, "WordPiece with another %s than BERT's ('%.40s') is not supported", what,
                     text_of(step, "type"));
}

/* "bert" implies BERT's own cleaning and cutting; their settings become keys. */
static sumi_status write_wordpiece(hf_vocab *v, gguf_head *head, sumi_error *err)
{
    const json_t *tokenizer = v->folder->tokenizer, *model = json_object_get(tokenizer, "model");
    const json_t *normal = json_object_get(tokenizer, "normalizer"), *pre = json_object_get(tokenizer, "pre_tokenizer");
    const json_t *lower = json_object_get(normal, "lowercase"), *strip = json_object_get(normal, "strip_accents");
    const json_t *most = json_object_get(model, "max_input_chars_per_word");
    if (strcmp(text_of(normal, "type"), "BertNormalizer") || json_is_false(json_object_get(normal, "clean_text")) ||
        json_is_false(json_object_get(normal, "handle_chinese_chars")))
        return refuse_step("normalizer", normal, err);
    if (strcmp(text_of(pre, "type"), "BertPreTokenizer")) return refuse_step("pre-tokenizer", pre, err);
    if (strcmp(text_of(model, "continuing_subword_prefix"), "##") || (most && json_integer_value(most) != 100))
        return sumi_fail(err, SUMI_EUNSUPPORTED,
                         "WordPiece with another prefix than ## or another limit than 100 "
                         "characters of a word is not supported");
    v->pieces = true;
    gguf_put_str(head, "tokenizer.ggml.model", "bert");
    gguf_put_str(head, "tokenizer.ggml.pre", "default");
    gguf_put_bool(head, "tokenizer.ggml.normalizer.lowercase", !json_is_false(lower));
    if (json_is_boolean(strip)) gguf_put_bool(head, "tokenizer.ggml.normalizer.strip_accents", json_is_true(strip));
    write_tokens(v, head);
    return SUMI_OK;
}

static sumi_status write_model(hf_vocab *v, int64_t n_vocab, gguf_head *head, sumi_error *err)
{
    const json_t *tokenizer = v->folder->tokenizer, *model = json_object_get(tokenizer, "model");
    const char *type = text_of(model, "type");
    bool bpe = !strcmp(type, "BPE") || (!*type && json_object_get(model, "merges"));
    bool wordpiece = !strcmp(type, "WordPiece"), unigram = !strcmp(type, "Unigram");
    if (!bpe && !wordpiece && !unigram)
        return sumi_fail(err, SUMI_EUNSUPPORTED, "vocabularies of type '%.40s' are not supported", type);
    sumi_status st = read_tokens(v, n_vocab, err);
    if (st != SUMI_OK) return st;
    if (wordpiece) return write_wordpiece(v, head, err);
    if (unigram) return write_unigram(v, head, err);
    if (!strcmp(text_of(json_object_get(tokenizer, "pre_tokenizer"), "type"), "WhitespaceSplit"))
        return write_words(v, head, err);
    bool bytes = find_step(json_object_get(tokenizer, "pre_tokenizer"), "pretokenizers", "ByteLevel");
    return bytes ? write_byte_level(v, head, err) : write_sentencepiece(v, head, err);
}

sumi_status hf_tokenizer_write(const hf_folder *f, int64_t n_vocab, gguf_head *head, sumi_error *err)
{
    hf_vocab v = { .folder = f, .unknown = -1 };
    if (!f->tokenizer) return sumi_fail(err, SUMI_EIO, "%s: no tokenizer.json", sumi_path_end(f->path));
    sumi_status st = write_model(&v, n_vocab, head, err);
    if (st == SUMI_OK) hf_added_write(&v, head);
    if (st == SUMI_OK) st = hf_special_write(&v, head, err);
    if (st != SUMI_OK) sumi_fail_in(err, "%s/tokenizer.json", sumi_path_end(f->path));
    strmap_destroy(v.ids);
    free(v.tokens);
    free(v.arena);
    return st;
}
