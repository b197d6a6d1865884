/* added_tokens.c - see added_tokens.h. */
#include "text/added_tokens.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/word_category.h"

void added_tokens_deinit(added_tokens *a)
{
    specials_deinit(&a->raw);
    specials_deinit(&a->normal);
    free(a->flags);
    *a = (added_tokens){ 0 };
}

/* ---- Flags -------------------------------------------------------------------------------------------------- */

static bool make_flags(added_tokens *a, const vocab *v)
{
    if (!a->flags) a->flags = calloc((size_t)v->n_tokens, sizeof *a->flags);
    return a->flags;
}

static sumi_status read_flags(added_tokens *a, const vocab *v, const model_source *src, sumi_error *err)
{
    gguf_array flags, list;
    static const char ids_key[] = "sumi.tokenizer.added_tokens", flags_key[] = "sumi.tokenizer.added_flags";
    if (!model_source_get_array(src, ids_key, &list) || !model_source_get_array(src, flags_key, &flags) ||
        flags.type != GGUF_U8 || list.type != GGUF_I32 || flags.n != list.n)
        return sumi_fail(err, SUMI_EFORMAT, "%s: %s and %s are not lists of equal length", model_source_name(src),
                         ids_key, flags_key);
    for (uint64_t i = 0; i < list.n; i++) {
        int64_t id = gguf_array_i64(&list, i);
        if (id < 0 || id >= v->n_tokens)
            return sumi_fail(err, SUMI_EFORMAT, "%s: %s has %lld, outside the vocabulary of %d tokens",
                             model_source_name(src), ids_key, (long long)id, v->n_tokens);
        if (!make_flags(a, v)) return sumi_fail(err, SUMI_ENOMEM, "special tokens: out of memory");
        a->flags[id] = (uint8_t)gguf_array_i64(&flags, i);
    }
    return SUMI_OK;
}

/* Whether the text at key has one of the names inside, in small letters or capitals. */
static bool key_has(const model_source *src, const char *key, const char *const *names)
{
    gguf_str s;
    if (!model_source_get_str(src, key, &s)) return false;
    for (; *names; names++)
        for (size_t i = 0, n = strlen(*names); n <= s.n && i <= s.n - n; i++)
            if (!strncasecmp(s.data + i, *names, n)) return true;
    return false;
}

static bool is_named(const vocab *v, int32_t id, const char *const *names)
{
    for (; *names; names++)
        if (v->raw[id].n == strlen(*names) && !memcmp(v->raw[id].data, *names, v->raw[id].n)) return true;
    return false;
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The flags that llama.cpp has by name: the mask of some encoders removes the space before it; all tokens of Phi-3 except
 * three remove the white space after them. */
static sumi_status guess_flags(added_tokens *a, const vocab *v, const model_source *src, sumi_error *err)
{
    const char *mask = NULL;
    bool phi3 = false;
    if (key_has(src, "tokenizer.ggml.pre", NAMES("jina-v2-de", "jina-v2-es", "jina-v2-code")) ||
        key_has(src, "general.architecture", NAMES("nomic-bert-moe", "jina-bert-v3")))
        mask = "<mask>";
    else if (key_has(src, "general.name", NAMES("phi-3", "phi3"))) phi3 = true;
    else if (key_has(src, "general.name", NAMES("modern-bert", "modernbert"))) mask = "[MASK]";
    if (!mask && !phi3) return SUMI_OK;
    if (!make_flags(a, v)) return sumi_fail(err, SUMI_ENOMEM, "special tokens: out of memory");
    for (int32_t i = 0; i < v->n_tokens; i++) {
        if (mask && is_named(v, i, NAMES(mask))) a->flags[i] = ADDED_LSTRIP;
        if (phi3 && specials_has(v, i) && !is_named(v, i, NAMES("<unk>", "<s>", "<|endoftext|>")))
            a->flags[i] = ADDED_RSTRIP;
    }
    return SUMI_OK;
}

/* ---- Creation ----------------------------------------------------------------------------------------------- */

/* Tokens to search, in the order of their ids. */
typedef struct token_list {
    special_token *tokens;
    size_t n;
} token_list;

static sumi_status list_tokens(token_list *l, const added_tokens *a, const vocab *v, bool normal, sumi_error *err)
{
    size_t n = 0;
    for (int32_t i = 0; i < v->n_tokens; i++) n += specials_has(v, i);
    *l = (token_list){ .tokens = malloc((n + 1) * sizeof *l->tokens) };
    if (!l->tokens) return sumi_fail(err, SUMI_ENOMEM, "special tokens: out of memory");
    for (int32_t i = 0; i < v->n_tokens; i++) {
        bool is_normal = a->flags && (a->flags[i] & ADDED_NORMALIZED);
        if (specials_has(v, i) && is_normal == normal)
            l->tokens[l->n++] = (special_token){ v->raw[i], i, v->kind[i] == TOKEN_USER_DEFINED };
    }
    return SUMI_OK;
}

sumi_status added_tokens_init(added_tokens *a, const vocab *v, const model_source *src, sumi_error *err)
{
    token_list l;
    *a = (added_tokens){ 0 };
    bool told = model_source_find_key(src, "sumi.tokenizer.added_tokens") >= 0;
    sumi_status status = told ? read_flags(a, v, src, err) : guess_flags(a, v, src, err);
    if (status || (status = list_tokens(&l, a, v, false, err))) return status;
    for (int32_t i = 0; a->flags && i < v->n_tokens; i++) {
        a->has_normal = a->has_normal || (a->flags[i] & ADDED_NORMALIZED && specials_has(v, i));
        a->space_symbols = a->space_symbols || a->flags[i] & ADDED_SPACE_SYMBOLS;
    }
    status = specials_init(&a->raw, l.tokens, l.n, err);
    free(l.tokens);
    return status;
}

sumi_status added_tokens_normalize(added_tokens *a, const vocab *v, added_normalize_fn normalize, const void *user,
                                   sumi_error *err)
{
    token_list l;
    if (!a->has_normal) return SUMI_OK;
    sumi_status status = list_tokens(&l, a, v, true, err);
    if (status) return status;
    char **owned = calloc(l.n + 1, sizeof *owned);
    if (!owned) status = sumi_fail(err, SUMI_ENOMEM, "special tokens: out of memory");
    for (size_t i = 0; i < l.n && !status; i++) {
        size_t n;
        vocab_text *text = &l.tokens[i].text;
        if (normalize(user, text->data, text->n, &owned[i], &n))
            status = sumi_fail(err, SUMI_ENOMEM, "special tokens: out of memory");
        else if (owned[i]) *text = (vocab_text){ owned[i], (uint32_t)n };
    }
    if (!status) status = specials_init(&a->normal, l.tokens, l.n, err);
    for (size_t i = 0; owned && i < l.n; i++) free(owned[i]);
    free(owned);
    free(l.tokens);
    return status;
}

/* ---- Finding ------------------------------------------------------------------------------------------------ */

/* \w of Rust's regular expressions: also joiners, and the letters in circles and squares that are alphabetic. */
static bool is_word_of_rust(uint32_t cp)
{
    return is_word_category(utf8proc_category((int32_t)cp)) || cp == 0x200C || cp == 0x200D ||
           (cp >= 0x24B6 && cp <= 0x24E9) || (cp >= 0x1F130 && cp <= 0x1F149) || (cp >= 0x1F150 && cp <= 0x1F169) ||
           (cp >= 0x1F170 && cp <= 0x1F189);
}

/* The character that ends at text[end], not before `least`: its length, or 0 where none does. */
static size_t last_char(const char *text, size_t least, size_t end, uint32_t *cp)
{
    for (size_t len = 1; len <= 4 && len <= end - least; len++)
        if (((unsigned char)text[end - len] & 0xC0) != 0x80)
            return utf8_decode(text + end - len, len, cp) == len ? len : 0;
    return 0;
}

static bool touches_word(const char *text, size_t n, size_t start, size_t end)
{
    uint32_t cp;
    if (last_char(text, 0, start, &cp) && is_word_of_rust(cp)) return true;
    return end < n && utf8_decode(text + end, n - end, &cp) && is_word_of_rust(cp);
}

/* spaces: U+0020 is white space, too. */
static size_t strip_left(const char *text, size_t least, size_t start, bool spaces)
{
    uint32_t cp;
    size_t len;
    if (start < least) return least;
    while ((len = last_char(text, least, start, &cp)) && utf8_is_space(cp) && (spaces || cp != ' ')) start -= len;
    return start;
}

static size_t strip_right(const char *text, size_t n, size_t end, bool spaces)
{
    uint32_t cp;
    size_t len;
    while (end < n && (len = utf8_decode(text + end, n - end, &cp)) && utf8_is_space(cp) && (spaces || cp != ' '))
        end += len;
    return end;
}

bool added_tokens_next(const added_tokens *a, bool normal, bool control, const char *text, size_t n, added_walk *w,
                       added_match *m)
{
    const specials *s = normal ? &a->normal : &a->raw;
    bool spaces = !normal || !a->space_symbols;
    while ((m->id = specials_find(s, text, n, w->from, control, &m->start, &m->end)) >= 0) {
        uint8_t flags = a->flags ? a->flags[m->id] : 0;
        w->from = m->end;
        if (flags & ADDED_SINGLE_WORD && touches_word(text, n, m->start, m->end)) continue;
        if (flags & ADDED_LSTRIP) m->start = strip_left(text, w->end, m->start, spaces);
        /* A token that is white space itself may be inside the white space of the token before, which is not scanned
         * again. */
        if (flags & ADDED_RSTRIP)
            m->end = w->white = m->end < w->white ? w->white : strip_right(text, n, m->end, spaces);
        if (m->start >= m->end) continue; /* the one before has taken all of it: `tokenizers` drops it */
        w->end = m->end;
        return true;
    }
    return false;
}
