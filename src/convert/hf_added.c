/* hf_added.c - how added tokens are found in text: the flags of tokenizer.json, in the keys of text/added_tokens.h. */
#include "convert/hf_tokenizer.h"
#include "text/added_tokens.h"

uint8_t hf_added_flags(const json_t *added)
{
    static const struct {
        const char *key;
        uint8_t flag;
    } flags[] = { { "lstrip", ADDED_LSTRIP },
                  { "rstrip", ADDED_RSTRIP },
                  { "single_word", ADDED_SINGLE_WORD },
                  { "normalized", ADDED_NORMALIZED } };
    uint8_t all = 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (json_is_true(json_object_get(added, flags[i].key))) all |= flags[i].flag;
    return all;
}

/* What normalising changes nothing for is looked for in the text as it is: in one pass, if no other token comes before it.
 * SentencePiece's normalisers make U+2581 of spaces. */
static void adjust_normalized(hf_vocab *v)
{
    const json_t *normal = json_object_get(v->folder->tokenizer, "normalizer");
    bool changes = json_is_object(normal), all = true;
    for (int32_t i = 0; i < v->n; i++) {
        bool added = v->tokens[i].kind == HF_CONTROL || v->tokens[i].kind == HF_USER_DEFINED;
        if (added && !(v->tokens[i].flags & ADDED_NORMALIZED)) all = false;
    }
    for (int32_t i = 0; i < v->n; i++) {
        uint8_t *flags = &v->tokens[i].flags;
        if (!(*flags & ADDED_NORMALIZED)) continue;
        if (!changes && all) *flags &= (uint8_t)~ADDED_NORMALIZED;
        else if (changes && v->spaced) *flags |= ADDED_SPACE_SYMBOLS;
    }
}

/* SentencePiece's rules merge whatever makes a token, whether the folder has a merge for it or not. It matters where a text
 * spells a user-defined token that is not found there: only where flags restrict some. */
static void mark_unmerged(hf_vocab *v)
{
    const json_t *merges = json_object_get(json_object_get(v->folder->tokenizer, "model"), "merges");
    float none = -(float)json_array_size(merges) - 1; /* the score of what no merge makes */
    bool restricted = false;
    for (int32_t i = 0; i < v->n; i++)
        restricted = restricted || v->tokens[i].flags & (ADDED_NORMALIZED | ADDED_SINGLE_WORD);
    for (int32_t i = 0; restricted && v->spaced && i < v->n; i++)
        if (v->tokens[i].kind == HF_USER_DEFINED && v->tokens[i].score == none) v->tokens[i].flags |= ADDED_NO_MERGE;
}

void hf_added_write(hf_vocab *v, gguf_head *head)
{
    uint64_t n = 0;
    adjust_normalized(v);
    mark_unmerged(v);
    for (int32_t i = 0; i < v->n; i++) n += v->tokens[i].flags != 0;
    if (!n) return;
    gguf_put_array(head, "sumi.tokenizer.added_tokens", GGUF_I32, n);
    for (int32_t i = 0; i < v->n; i++)
        if (v->tokens[i].flags) gguf_put_elements(head, &i, sizeof i);
    gguf_put_array(head, "sumi.tokenizer.added_flags", GGUF_U8, n);
    for (int32_t i = 0; i < v->n; i++)
        if (v->tokens[i].flags) gguf_put_elements(head, &v->tokens[i].flags, 1);
}
