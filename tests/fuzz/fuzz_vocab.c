/* fuzz_vocab.c - any vocabulary: a GGUF file is written from the input's bytes, then a text is encoded with it;
 * byte-level text from left to right must become what the merge loop makes of it.
 *
 *   byte 0   settings: bit 0 SentencePiece, bits 1-2 the pre-tokenizer, 3 add_bos, 4 add_space_prefix,
 *            5 a key of a wrong type, 6 WordPiece, 7 Unigram: bytes of a charsmap follow, a byte how many times four;
 *            without bits 0, 6 and 7 bit 4 chooses pre-tokenizers whose merges are of characters
 *   then     tokens: a byte kind | length << 3, the text; until a zero byte, at most 64
 *            merges (byte-level) of two tokens each: two bytes; until two zeros
 *            bos, eos, unknown: a byte each; 128 and more of bos give flags to special tokens
 *            the rest is the text */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/bpe/byte_bpe.h"
#include "tiny_vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct input {
    const uint8_t *p;
    size_t n;
} input;

static uint8_t next(input *in)
{
    if (!in->n) return 0;
    in->n--;
    return *in->p++;
}

static void read_tokens(tiny_vocab *v, input *in)
{
    uint8_t head;
    while (v->n_tokens < 64 && (head = next(in)) != 0) {
        char text[33];
        size_t n = head >> 3;
        if (n > in->n) n = in->n;
        memcpy(text, in->p, n);
        text[n] = '\0'; /* a NUL inside ends it earlier, which is as good */
        in->p += n;
        in->n -= n;
        float score;
        uint32_t bits = (uint32_t)head * 2654435761u ^ (uint32_t)v->n_tokens << 24;
        memcpy(&score, &bits, sizeof score); /* NaN and infinities too */
        tiny_token(v, text, head & 7, score);
    }
    for (size_t i = 0; i < v->n_tokens; i++)
        if (v->kinds[i] == 7) v->kinds[i] = 1;
}

static void read_merges(tiny_vocab *v, input *in)
{
    while (v->n_merges < 64 && v->n_tokens) {
        uint8_t a = next(in), b = next(in);
        char line[80];
        if (!a && !b) break;
        snprintf(line, sizeof line, "%s %s", v->tokens[a % v->n_tokens], v->tokens[b % v->n_tokens]);
        v->merges[v->n_merges++] = strdup(line);
        if (v->n_tokens < 128 && b & 1) { /* and the token that it makes */
            snprintf(line, sizeof line, "%s%s", v->tokens[a % v->n_tokens], v->tokens[b % v->n_tokens]);
            if (strlen(line) < 33) tiny_token(v, line, 1, 0);
        }
    }
}

static void read_charsmap(tiny_vocab *v, input *in)
{
    size_t n = (size_t)next(in) * 4;
    if (n > in->n) n = in->n;
    gb_array(&v->file, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, in->p, n, n);
    in->p += n;
    in->n -= n;
}

/* Flags of added_tokens.h, all of them in turn from `first` on. */
static void put_flags(tiny_vocab *v, uint8_t first)
{
    int32_t ids[TINY_MAX];
    uint8_t flags[TINY_MAX];
    for (size_t i = 0; i < v->n_tokens; i++) {
        ids[i] = (int32_t)i;
        flags[i] = (uint8_t)(first + i * 7);
    }
    gb_array(&v->file, "sumi.tokenizer.added_tokens", GGUF_I32, ids, v->n_tokens, v->n_tokens * sizeof *ids);
    gb_array(&v->file, "sumi.tokenizer.added_flags", GGUF_U8, flags, v->n_tokens, v->n_tokens);
}

/* Both ways of byte-level BPE. */
static void compare_ways(const model_source *file, const char *text, size_t n)
{
    vocab v;
    byte_bpe b[2];
    bpe work;
    bpe_forward_work forward = { 0 };
    id_list out[2] = { 0 };
    bpe_init(&work);
    if (vocab_init(&v, file, NULL)) abort();
    for (int i = 0; i < 2; i++) {
        if (byte_bpe_init(&b[i], &v, file, false, i == 1, NULL)) abort();
        if (byte_bpe_encode(&b[i], &work, &forward, text, n, &out[i])) abort();
    }
    if (out[0].n != out[1].n) abort();
    if (out[0].n && memcmp(out[0].ids, out[1].ids, out[0].n * sizeof *out[0].ids) != 0) abort();
    for (int i = 0; i < 2; i++) {
        byte_bpe_deinit(&b[i]);
        free(out[i].ids);
    }
    bpe_forward_work_deinit(&forward);
    bpe_deinit(&work);
    vocab_deinit(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const rules[2][4] = { { "gpt-2", "deepseek-llm", "llama-bpe", "qwen2" },
                                             { "gemma4", "sarvam-moe", "whitespace", "jais-2" } };
    input in = { data, n };
    tiny_vocab v;
    uint8_t settings = next(&in);
    tiny_init(&v, settings & 128 ? "t5" : settings & 64 ? "bert" : settings & 1 ? "llama" : "gpt2");
    if (settings & 128) read_charsmap(&v, &in);
    bool chars = (settings & 209) == 16;
    gb_str(&v.file, "tokenizer.ggml.pre", rules[chars][settings >> 1 & 3]);
    gb_bool(&v.file, "tokenizer.ggml.add_bos_token", settings & 8);
    gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", settings & 16);
    read_tokens(&v, &in);
    if (!(settings & 1)) read_merges(&v, &in);
    uint8_t bos = next(&in);
    gb_u32(&v.file, "tokenizer.ggml.bos_token_id", bos & 127);
    if (bos & 128) put_flags(&v, bos);
    gb_u32(&v.file, "tokenizer.ggml.eos_token_id", next(&in));
    gb_u32(&v.file, "tokenizer.ggml.unknown_token_id", next(&in));
    if (settings & 32) gb_f32(&v.file, "tokenizer.ggml.eot_token_id", 1.5f); /* not an integer */
    tiny_tokenizer t = tiny_open(&v);
    if (!t.tokenizer && (!t.status || strchr(t.err.message, '\n'))) abort();
    for (uint32_t flags = 0; t.tokenizer && flags < 4; flags++) {
        int32_t *ids, n_ids;
        char *text;
        size_t n_text;
        if (tokenizer_encode(t.tokenizer, (const char *)in.p, in.n, flags, &ids, &n_ids, NULL)) abort();
        if (tokenizer_decode(t.tokenizer, ids, n_ids, true, &text, &n_text, NULL)) abort();
        free(ids);
        free(text);
    }
    if (t.tokenizer && !(settings & 193) && !chars) compare_ways(t.file, (const char *)in.p, in.n);
    tiny_close(&t);
    return 0;
}
