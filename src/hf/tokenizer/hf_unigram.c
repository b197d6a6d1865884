/* hf_unigram.c - SentencePiece's Unigram vocabularies from tokenizer.json: everything except tokens and scores.
 *
 * tokenizer.json has steps where SentencePiece has settings (normalizer.cc of SentencePiece; the documentation of the
 * `tokenizers` library):
 *
 *   Precompiled                            precompiled_charsmap, in base64
 *   Replace " {2,}" by " " or U+2581, or   remove_extra_whitespaces
 *     WhitespaceSplit
 *   Metaspace, or Prepend U+2581           add_space_prefix
 *
 * Other steps are refused by name. So are combinations of these steps that no settings of SentencePiece express. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "hf/tokenizer/hf_tokenizer.h"

#define SPACE        "\xE2\x96\x81" /* U+2581 */
#define MAX_CHARSMAP (1 << 24)      /* bytes; that of T5 and XLM-R has a quarter of a million */

/* The effects of all steps. */
typedef struct unigram_steps {
    const json_t *charsmap; /* base64; NULL: no rules */
    bool squeezes, splits;  /* runs of spaces; at white space */
    bool strips;            /* white space at the ends */
    bool prepends;          /* a space in front */
    bool replaces;          /* spaces become U+2581 */
} unigram_steps;

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool text_is(const json_t *object, const char *key, const char *text)
{
    return !strcmp(text_of(object, key), text);
}

/* ---- Steps -------------------------------------------------------------------------------------------------- */

static bool read_replace(unigram_steps *s, const json_t *step)
{
    const json_t *pattern = json_object_get(step, "pattern");
    bool to_space = text_is(step, "content", " "), to_symbol = text_is(step, "content", SPACE);
    bool squeezes = text_is(pattern, "Regex", " {2,}") && (to_space || to_symbol);
    bool replaces = text_is(pattern, "String", " ") && to_symbol;
    s->squeezes = s->squeezes || squeezes;
    s->replaces = s->replaces || replaces;
    return squeezes || replaces;
}

static bool read_metaspace(unigram_steps *s, const json_t *step)
{
    const char *scheme = text_of(step, "prepend_scheme");
    s->replaces = true;
    if (*scheme) s->prepends = s->prepends || strcmp(scheme, "never");
    else s->prepends = s->prepends || !json_is_false(json_object_get(step, "add_prefix_space"));
    return text_is(step, "replacement", SPACE) && !(s->splits && !strcmp(scheme, "first"));
}

static bool read_precompiled(unigram_steps *s, const json_t *step)
{
    if (s->charsmap) return false;
    s->charsmap = json_object_get(step, "precompiled_charsmap");
    return json_is_string(s->charsmap);
}

/* False: not known, or with settings that no switch is for. */
static bool read_step(unigram_steps *s, const json_t *step)
{
    if (text_is(step, "type", "Precompiled")) return read_precompiled(s, step);
    if (text_is(step, "type", "Replace")) return read_replace(s, step);
    if (text_is(step, "type", "Metaspace")) return read_metaspace(s, step);
    if (text_is(step, "type", "Strip")) return s->strips = true;
    if (text_is(step, "type", "WhitespaceSplit")) return s->splits = true;
    if (text_is(step, "type", "Prepend")) return s->prepends = text_is(step, "prepend", SPACE);
    return false;
}

/* A normalizer or pre-tokenizer, or a sequence of them under `list`. */
static sumi_status read_steps(unigram_steps *s, const json_t *step, const char *list, sumi_error *err)
{
    bool sequence = text_is(step, "type", "Sequence");
    size_t n = sequence ? json_array_size(json_object_get(step, list)) : json_is_object(step);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = sequence ? json_array_get(json_object_get(step, list), i) : step;
        if (!read_step(s, one))
            return sumi_fail(err, SUMI_EUNSUPPORTED, "Unigram with the step '%.40s' in its %s is not supported",
                             text_of(one, "type"), list);
    }
    return SUMI_OK;
}

static sumi_status check_steps(const unigram_steps *s, sumi_error *err)
{
    const char *why = NULL;
    bool squeezes = s->squeezes || s->splits;
    if (!s->replaces) why = "whose spaces do not become U+2581";
    else if (squeezes && !s->prepends) why = "that squeezes spaces and puts none in front";
    else if (s->strips && !squeezes) why = "that strips spaces at the ends and does not squeeze others";
    else if (s->splits && !s->charsmap) why = "that splits at white space without a Precompiled normalizer";
    return why ? sumi_fail(err, SUMI_EUNSUPPORTED, "Unigram %s is not supported", why) : SUMI_OK;
}

/* ---- Base64 ------------------------------------------------------------------------------------------------- */

/* The value of a character; -1: the character is not in the alphabet of base64 (RFC 4648, section 4). */
static int value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The bytes of text[n], whose end may be padded, in out[n / 4 * 3]: how many; -1: it is no base64. */
static int64_t decode_base64(const char *text, size_t n, uint8_t *out)
{
    int64_t n_out = 0;
    if (n % 4) return -1;
    size_t n_padding = n && text[n - 1] == '=' ? 1 + (text[n - 2] == '=') : 0;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t group = 0;
        for (size_t k = i; k < i + 4; k++) {
            int value = k < n - n_padding ? value_of(text[k]) : 0;
            if (value < 0) return -1;
            group = group << 6 | (uint32_t)value;
        }
        for (int k = 16; k >= 0; k -= 8) out[n_out++] = (uint8_t)(group >> k);
    }
    return n_out - (int64_t)n_padding;
}

static sumi_status write_charsmap(const json_t *charsmap, gguf_head *head, sumi_error *err)
{
    const char *text = json_string_value(charsmap);
    size_t n = json_string_length(charsmap);
    if (!text || n == 0) return SUMI_OK;
    if (n / 4 * 3 > MAX_CHARSMAP)
        return sumi_fail(err, SUMI_ELIMIT, "precompiled_charsmap has more than %d bytes", MAX_CHARSMAP);
    uint8_t *bytes = malloc(n);
    if (!bytes) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    int64_t n_bytes = decode_base64(text, n, bytes);
    if (n_bytes >= 0) {
        gguf_put_array(head, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, (uint64_t)n_bytes);
        gguf_put_elements(head, bytes, (size_t)n_bytes);
    }
    free(bytes);
    return n_bytes >= 0 ? SUMI_OK : sumi_fail(err, SUMI_EFORMAT, "precompiled_charsmap is not base64");
}

/* ---- The whole ---------------------------------------------------------------------------------------------- */

/* Bytes' tokens are such only if the model falls back on them. */
static sumi_status set_kinds(hf_vocab *v, const json_t *model, sumi_error *err)
{
    const json_t *unknown = json_object_get(model, "unk_id");
    for (int32_t i = 0; json_is_true(json_object_get(model, "byte_fallback")) && i < v->n; i++)
        if (hf_is_byte_token(&v->tokens[i])) v->tokens[i].kind = HF_BYTE;
    if (!unknown || json_is_null(unknown)) return SUMI_OK;
    json_int_t id = json_integer_value(unknown);
    if (!json_is_integer(unknown) || id < 0 || id >= v->n)
        return sumi_fail(err, SUMI_EFORMAT, "unk_id is not a token from 0 to %d", v->n - 1);
    v->unknown = (int32_t)id;
    v->tokens[id].kind = HF_UNKNOWN;
    return SUMI_OK;
}

sumi_status hf_unigram_write(hf_vocab *v, gguf_head *head, sumi_error *err)
{
    const json_t *tokenizer = v->folder->tokenizer;
    unigram_steps s = { 0 };
    sumi_status st = read_steps(&s, json_object_get(tokenizer, "normalizer"), "normalizers", err);
    if (!st) st = read_steps(&s, json_object_get(tokenizer, "pre_tokenizer"), "pretokenizers", err);
    if (!st) st = check_steps(&s, err);
    if (!st) st = set_kinds(v, json_object_get(tokenizer, "model"), err);
    if (!st) st = write_charsmap(s.charsmap, head, err);
    if (st != SUMI_OK) return st;
    v->spaced = true;
    gguf_put_str(head, "tokenizer.ggml.model", "t5");
    gguf_put_str(head, "tokenizer.ggml.pre", "default");
    gguf_put_bool(head, "tokenizer.ggml.add_space_prefix", s.prepends);
    gguf_put_bool(head, "tokenizer.ggml.remove_extra_whitespaces", s.squeezes || s.splits);
    return SUMI_OK;
}
