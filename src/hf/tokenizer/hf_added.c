/* hf_added.c - how added tokens are found in text: the flags of tokenizer.json, in the keys of text/added_tokens.h. */
#include "base/utf8.h"
#include "hf/tokenizer/hf_tokenizer.h"
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

/* A token that normalising does not change is searched in the original text, so that one pass is enough, unless other
 * tokens are searched before it. SentencePiece's normalisers change spaces to U+2581. */
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

/* A piece of one character that is in the vocabulary itself, not only as an added token. */
static bool is_single_piece(const json_t *pieces, const hf_token *t)
{
    uint32_t cp;
    return t->n > 0 && utf8_decode(t->text, t->n, &cp) == t->n && json_object_get(pieces, t->text);
}

/* SentencePiece merges every pair that forms a token, even if the folder has no merge for it, and begins with every
 * character that is a token. This matters if a text spells a user-defined token at a place where the token is not found,
 * which happens only with flags. */
static void mark_unmerged(hf_vocab *v)
{
    const json_t *model = json_object_get(v->folder->tokenizer, "model"), *pieces = json_object_get(model, "vocab");
    float none = -(float)json_array_size(json_object_get(model, "merges")) -
                 1; /* the score of tokens that no merge makes */
    bool restricted = false;
    for (int32_t i = 0; i < v->n; i++)
        restricted = restricted || v->tokens[i].flags & (ADDED_NORMALIZED | ADDED_SINGLE_WORD);
    for (int32_t i = 0; restricted && v->spaced && i < v->n; i++) {
        hf_token *t = &v->tokens[i];
        if (t->kind == HF_USER_DEFINED && t->score == none && !is_single_piece(pieces, t)) t->flags |= ADDED_NO_MERGE;
    }
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
