/* fuzz_tokenizer.c - any text through small vocabularies of every kind.
 *
 * The first byte chooses the vocabulary, the second the flags; the rest is the text. Ids must lie in the
 * vocabulary, a second call must give the same ones, control tokens come only where they were asked for, bytes must
 * come back where the vocabulary can hold them all, and streaming must give valid UTF-8. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/detok.h"
#include "tiny_vocab.h"

#define SP "\xE2\x96\x81" /* U+2581 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const kinds[] = {
    "gpt-2",           "smollm",
    "llama-bpe",       "default",
    "falcon",          "deepseek-llm",
    "deepseek-v3",     "kimi-k2",
    "bloom",           "superbpe",
    "exaone-moe",      "chameleon",
    "tekken",          "youtu", /* exact */
    "qwen2",           "exaone",
    "tiny_aya",        "spm",
    "spm prefix",      "spm no bytes",
    "spm squeeze",     "unigram",
    "unigram prefix",  "unigram no bytes",
    "unigram squeeze", "bert",
    "bert cased",
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };
enum { N_EXACT = 14 }; /* the first ones hold any bytes and change none */

static void add_specials(tiny_vocab *v)
{
    static const char *const texts[] = { "<s>", "<|end|>", "<|", "\xC3\xA9" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) tiny_token(v, texts[i], i == 3 ? 4 : 3, 0);
    tiny_token(v, "\n\n", 4, 0);
    tiny_token(v, "<b>", 4, 0);
}

static tiny_tokenizer open_wordpiece(bool cased)
{
    static const char *const symbols[] = { "a", "b", "the", "th", "\xC3\xA9", "\xE4\xB8\xAD", ".", "1", "ab" };
    tiny_vocab v;
    tiny_init(&v, "bert");
    tiny_token(&v, "[UNK]", 3, 0);
    tiny_token(&v, "[CLS]", 3, 0);
    tiny_token(&v, "[SEP]", 3, 0);
    tiny_token(&v, SP, 1, 0);
    if (cased) tiny_token(&v, SP "A", 1, 0);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        char begin[16];
        snprintf(begin, sizeof begin, SP "%s", symbols[i]);
        tiny_token(&v, begin, 1, 0);
        tiny_token(&v, symbols[i], 1, 0);
    }
    return tiny_open(&v);
}

/* "A" becomes "ab" (charsmap.h): the root's children are at 0, the one for 'A' at 0x41, its value at 0x40. */
static void add_charsmap(tiny_vocab *v)
{
    enum { N_UNITS = 0x42 };
    struct {
        uint32_t n_trie, units[N_UNITS];
        char replacements[4];
    } map = { .n_trie = 4 * N_UNITS, .replacements = "ab" };
    map.units['A'] = 'A' | 0x100 | 1 << 10;
    map.units['A' ^ 1] = 0x80000000u;
    gb_array(&v->file, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, &map, sizeof map, sizeof map);
}

static tiny_tokenizer open_kind(const char *kind)
{
    if (!strncmp(kind, "bert", 4)) return open_wordpiece(strcmp(kind, "bert") != 0);
    static const char *const symbols[] = {
        "a", "b", "e", "th", "the", SP, SP "t", "ab", "abab", "\xCC\x81", SP SP,
    };
    static const char *const merges[] = { "t h", "th e",  "\xC4\xA0 the",      "\xC4\xA0 \xC4\xA0", "a b", "ab ab",
                                          "a a", "aa aa", "\xC3\x83 \xC2\xA9", "\xC4\x8A \xC4\x8A", "1 2" };
    tiny_vocab v;
    bool unigram = !strncmp(kind, "unigram", 7), spm = unigram || !strncmp(kind, "spm", 3);
    tiny_init(&v, unigram ? "t5" : spm ? "llama" : "gpt2");
    if (spm) tiny_token(&v, "<unk>", 2, 0);
    if (!strstr(kind, "no bytes")) tiny_bytes(&v);
    for (size_t i = 0; spm && i < sizeof symbols / sizeof *symbols; i++) tiny_token(&v, symbols[i], 1, -(float)(i % 5));
    if (spm) tiny_token(&v, "  ", 4, -1000);
    for (size_t i = 0; !spm && i < sizeof merges / sizeof *merges; i++) tiny_merge(&v, merges[i]);
    add_specials(&v);
    if (unigram) add_charsmap(&v);
    if (!spm) gb_str(&v.file, "tokenizer.ggml.pre", kind);
    if (spm) gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", strstr(kind, "prefix") != NULL);
    if (spm) gb_bool(&v.file, "tokenizer.ggml.remove_extra_whitespaces", strstr(kind, "squeeze") != NULL);
    return tiny_open(&v);
}

static void check_streaming(const tokenizer *t, const int32_t *ids, int32_t n_ids)
{
    detok d;
    buf out;
    buf_init(&out, (size_t)1 << 30);
    detok_init(&d, t, true);
    for (int32_t i = 0; i < n_ids; i++) detok_push(&d, ids[i], &out);
    detok_flush(&d, &out);
    if (out.status || (out.n && utf8_valid_prefix(out.data, out.n) != out.n)) abort();
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static tiny_tokenizer all[N_KINDS];
    if (!all[0].tokenizer)
        for (int i = 0; i < N_KINDS; i++) all[i] = open_kind(kinds[i]);
    if (n < 2) return 0;
    size_t kind = data[0] % N_KINDS;
    uint32_t flags = data[1] & (SUMI_TOKENIZE_SPECIAL | SUMI_TOKENIZE_BOS_EOS);
    const tokenizer *t = all[kind].tokenizer;
    const char *text = (const char *)data + 2;
    int32_t *ids, *again, n_ids, n_again;
    char *back;
    size_t n_back;
    n -= 2;
    if (tokenizer_encode(t, text, n, flags, &ids, &n_ids, NULL) ||
        tokenizer_encode(t, text, n, flags, &again, &n_again, NULL))
        abort();
    if (n_ids != n_again || memcmp(ids, again, (size_t)n_ids * sizeof *ids)) abort();
    if (tokenizer_decode(t, ids, n_ids, true, &back, &n_back, NULL)) abort(); /* refuses ids outside the vocabulary */
    if (kind < N_EXACT && (n_back != n || memcmp(back, text, n))) abort();
    for (int32_t i = 0; i < n_ids && flags == 0; i++) /* token 0 may be the unknown token */
        if (ids[i] != 0 && tokenizer_is_special(t, ids[i])) abort();
    check_streaming(t, ids, n_ids);
    free(ids);
    free(again);
    free(back);
    return 0;
}
