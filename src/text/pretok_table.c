/* pretok_table.c - the rules of pretok.h, one row for each family. docs/text.md says how to add one.
 *
 * The patterns are those of the families' tokenizer.json, in PCRE2's spelling. White space is spelled out as
 * the Unicode property: PCRE2's \s also takes U+180E, which lost that property in Unicode 6.3.
 *
 * Every pattern runs in linear time on every text: between two cuts each character is looked at a bounded
 * number of times, for a run of white space is given back at most to its last line break or its last character,
 * once. */
#include "text/pretok.h"

#include <string.h>

#define WS "\\p{White_Space}"
#define LN "\\p{L}\\p{N}"

/* GPT-2 (encoder.py of its release; ByteLevel of tokenizers): a word takes the one space before it; of a longer
 * run of white space the last character is left for the next word. */
#define GPT2                                                                                                   \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" WS LN "]+|" WS "+(?![^" WS "])|" WS "+"

/* Llama 3 (tokenizer.json; tiktoken's cl100k): contractions in any case, words with the one character before
 * them that is no letter, number or line break, numbers in groups of three, line breaks with the white space
 * before them. */
#define CL100K(numbers)                                                                                        \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n" LN "]?\\p{L}+|" numbers "| ?[^" WS LN "]+[\\r\\n]*|"                 \
    WS "*[\\r\\n]+|" WS "+(?![^" WS "])|" WS "+"

static const pretok_rule rules[] = {
    { .names = { "gpt-2" }, .patterns = { GPT2 } },
    /* Digits(individual_digits) before ByteLevel. */
    { .names = { "smollm" }, .patterns = { "\\p{N}", GPT2 } },
    { .names = { "llama-bpe", "llama3", "llama-v3" },
      .patterns = { CL100K("\\p{N}{1,3}") },
      .ignore_merges = true,
      .add_bos = true },
    { .names = { "qwen2" }, .patterns = { CL100K("\\p{N}") }, .nfc = true },
    /* What llama.cpp does with files that name no rule: punctuation, then GPT-2, then numbers, then threes of
     * digits. */
    { .names = { "default" },
      .patterns = { "[\\p{P}$+<=>^~|]+",
                    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" WS LN "]+|" WS "+(?![^" WS "])", "\\p{N}+",
                    "[0-9]{3}" } },
};

const pretok_rule *pretok_find_rule(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        for (const char *const *known = rules[i].names; *known; known++)
            if (strlen(*known) == n && memcmp(*known, name, n) == 0) return &rules[i];
    return NULL;
}
