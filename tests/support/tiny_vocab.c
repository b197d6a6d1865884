/* tiny_vocab.c - see tiny_vocab.h. */
#include "tiny_vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/gguf.h"
#include "test_support.h"
#include "text/bpe/byte_alphabet.h"

void tiny_init(tiny_vocab *v, const char *model)
{
    memset(v, 0, sizeof *v);
    gb_init(&v->file);
    gb_str(&v->file, "tokenizer.ggml.model", model);
    v->is_spm = !strcmp(model, "llama") || !strcmp(model, "t5");
}

int32_t tiny_token(tiny_vocab *v, const char *token, int32_t kind, float score)
{
    assert_true(v->n_tokens < TINY_MAX);
    v->tokens[v->n_tokens] = strdup(token);
    v->kinds[v->n_tokens] = kind;
    v->scores[v->n_tokens] = score;
    return (int32_t)v->n_tokens++;
}

void tiny_bytes(tiny_vocab *v)
{
    byte_alphabet a;
    byte_alphabet_init(&a);
    for (int b = 0; b < 256; b++) {
        char token[8];
        if (v->is_spm) snprintf(token, sizeof token, "<0x%02X>", b);
        else snprintf(token, sizeof token, "%.*s", a.utf8_bytes[b], a.utf8[b]);
        tiny_token(v, token, v->is_spm ? 6 : 1, 0);
    }
}

int32_t tiny_merge(tiny_vocab *v, const char *line)
{
    char token[256];
    const char *space = strchr(line + 1, ' ');
    assert_true(v->n_merges < TINY_MAX);
    v->merges[v->n_merges++] = strdup(line);
    snprintf(token, sizeof token, "%.*s%s", (int)(space - line), line, space + 1);
    for (size_t i = 0; i < v->n_tokens; i++)
        if (!strcmp(v->tokens[i], token)) return (int32_t)i;
    return tiny_token(v, token, 1, 0);
}

uint8_t *tiny_finish(tiny_vocab *v, size_t *n_bytes)
{
    gb_str_array(&v->file, "tokenizer.ggml.tokens", (const char *const *)v->tokens, v->n_tokens);
    gb_array(&v->file, "tokenizer.ggml.token_type", GGUF_I32, v->kinds, v->n_tokens, v->n_tokens * sizeof *v->kinds);
    if (v->is_spm)
        gb_array(&v->file, "tokenizer.ggml.scores", GGUF_F32, v->scores, v->n_tokens, v->n_tokens * sizeof *v->scores);
    else gb_str_array(&v->file, "tokenizer.ggml.merges", (const char *const *)v->merges, v->n_merges);
    for (size_t i = 0; i < v->n_tokens; i++) free(v->tokens[i]);
    for (size_t i = 0; i < v->n_merges; i++) free(v->merges[i]);
    return gb_finish(&v->file, n_bytes);
}

tiny_tokenizer tiny_open(tiny_vocab *v)
{
    tiny_tokenizer t = { 0 };
    size_t n;
    t.bytes = tiny_finish(v, &n);
    t.status = gguf_open_memory(&t.file, t.bytes, n, "tiny", &t.err);
    if (!t.status) t.status = tokenizer_create(&t.tokenizer, t.file, &t.err);
    return t;
}

void tiny_close(tiny_tokenizer *t)
{
    tokenizer_destroy(t->tokenizer);
    if (t->file) model_source_close(t->file);
    free(t->bytes);
}

void tiny_check_ids(const tiny_tokenizer *t, const char *text, size_t n, uint32_t flags, const int32_t *want)
{
    int32_t *ids, n_ids, i = 0;
    assert_int_equal(tokenizer_encode(t->tokenizer, text, n, flags, &ids, &n_ids, NULL), SUMI_OK);
    while (i < n_ids && ids[i] == want[i]) i++;
    if (i != n_ids || want[i] != -1)
        fail_msg("'%s': token %d is %d, not %d", text, i, i < n_ids ? ids[i] : -1, want[i]);
    free(ids);
}

sumi_model *tiny_model(tiny_vocab *v)
{
    char path[] = "/tmp/sumi-test-vocab-XXXXXX";
    size_t n;
    sumi_model *m;
    sumi_error err;
    sumi_model_opts opts = sumi_model_opts_default();
    uint8_t *bytes = tiny_finish(v, &n);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
    free(bytes);
    opts.vocab_only = true;
    sumi_status st = sumi_model_open(&m, path, &opts, &err);
    unlink(path);
    if (st != SUMI_OK) fail_msg("%s", err.message);
    return m;
}
