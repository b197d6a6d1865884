/* charsmap.c - see charsmap.h. */
#include "text/sentencepiece/charsmap.h"

#include <string.h>

#include "base/error.h"

#define KEY "tokenizer.ggml.precompiled_charsmap"

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

sumi_status charsmap_init(charsmap *m, const model_source *src, sumi_error *err)
{
    gguf_array a;
    *m = (charsmap){ 0 };
    if (model_source_find_key(src, KEY) < 0) return SUMI_OK;
    if (!model_source_get_array(src, KEY, &a) || (a.type != GGUF_U8 && a.type != GGUF_I8))
        return sumi_fail(err, SUMI_EFORMAT, "%s: " KEY " is no array of bytes", model_source_name(src));
    if (a.n == 0) return SUMI_OK;
    const char *p = a.data;
    uint32_t n_trie = a.n >= 4 ? read_u32(p) : UINT32_MAX;
    if (n_trie % 4 || n_trie > a.n - 4)
        return sumi_fail(err, SUMI_EFORMAT, "%s: " KEY " of %llu bytes holds a trie of %u bytes",
                         model_source_name(src), (unsigned long long)a.n, n_trie);
    m->units = p + 4;
    m->n_units = n_trie / 4;
    m->replacements = m->units + n_trie;
    m->n_replacements = (size_t)a.n - 4 - n_trie;
    if (m->n_units && (!m->n_replacements || m->replacements[m->n_replacements - 1]))
        return sumi_fail(err, SUMI_EFORMAT, "%s: the replacements of " KEY " do not end with a NUL byte",
                         model_source_name(src));
    return SUMI_OK;
}

static uint32_t children(uint32_t unit)
{
    return (unit >> 10) << ((unit & 0x200) >> 6);
}

size_t charsmap_find(const charsmap *m, const char *text, size_t n, const char **to, size_t *n_to)
{
    size_t longest = 0;
    uint32_t value = 0;
    if (!m->n_units) return 0;
    uint32_t at = children(read_u32(m->units));
    if (n > CHARSMAP_MAX_KEY) n = CHARSMAP_MAX_KEY;
    for (size_t i = 0; i < n && text[i]; i++) {
        at ^= (unsigned char)text[i];
        if (at >= m->n_units) break;
        uint32_t unit = read_u32(m->units + (size_t)at * 4);
        if ((unit & 0x800000FF) != (unsigned char)text[i]) break;
        at ^= children(unit);
        if (!(unit & 0x100)) continue;
        if (at >= m->n_units) break;
        longest = i + 1;
        value = read_u32(m->units + (size_t)at * 4) & 0x7FFFFFFF;
    }
    if (!longest || value >= m->n_replacements) return 0;
    *to = m->replacements + value;
    *n_to = strlen(*to); /* ends with the last byte at the latest */
    return longest;
}
