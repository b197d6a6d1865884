/* pretok_table.c - the rules of pretok.h, one row for each rule. docs/text.md says how to add a rule, and the source of
 * each row.
 *
 * The patterns are those of the families' tokenizer.json, in PCRE2's spelling. White space is spelled out as
 * the Unicode property: PCRE2's \s also takes U+180E, which lost that property in Unicode 6.3. Scripts are
 * spelled sc:, for \p{Han} alone would mean the script extensions.
 *
 * Every pattern runs in linear time on every text: between two cuts each character is read a bounded number of times,
 * because backtracking gives up a run of white space only once (to its last line break or its last character), and a run
 * of capitals only once. Repeated groups are possessive, so that they need no stack. */
#include "text/pretok.h"

#include <string.h>

#define WS "\\p{White_Space}"
#define LN "\\p{L}\\p{N}"

/* GPT-2 (encoder.py of its release; ByteLevel of tokenizers): a word takes the one space before it; of a longer
 * run of white space the last character is left for the next word. */
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" WS LN "]+|" WS "+(?![^" WS "])|" WS "+"

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES      WS "*[\\r\\n]+|" WS "+(?![^" WS "])|" WS "+"

/* Llama 3 (tokenizer.json; tiktoken's cl100k): contractions in any case, words with the one character before
 * them that is no letter, number or line break, numbers in groups, line breaks with the white space before them. */
#define CL100K(numbers) CONTRACTION "|[^\\r\\n" LN "]?\\p{L}+|" numbers "| ?[^" WS LN "]+[\\r\\n]*|" SPACES

/* GPT-4o (tiktoken's o200k): words are cut where small letters are followed by capitals. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K(contraction, numbers)                                                                                    \
    "[^\\r\\n" LN "]?" UPPER "*" LOWER "+" contraction "|[^\\r\\n" LN "]?" UPPER "+" LOWER "*" contraction "|" numbers \
    "| ?[^" WS LN "]+[\\r\\n/]*|" SPACES

/* Kimi: o200k, but Han characters are runs of their own and no part of words. UPPER*LOWER+ without backtracking is
 * up to a small letter and on from there; where there is none, up to the last character that is neither. UPPER+LOWER*
 * is left with capitals. */
#define HAN         "\\p{sc:Han}"
#define NO_HAN(set) "(?:(?!" HAN ")" set ")"
#define KIMI                                                                                               \
    HAN "+|[^\\r\\n" LN "]?(?:" NO_HAN(UPPER) "*+\\p{Ll}" NO_HAN(                                          \
        LOWER) "*+|"                                                                                       \
               "(?:[\\p{Lu}\\p{Lt}]*+" NO_HAN("[\\p{Lm}\\p{Lo}\\p{M}]") "++)++)" CONTRACTION "?|"          \
                                                                        "[^\\r\\n" LN                      \
                                                                        "]?[\\p{Lu}\\p{Lt}]++" CONTRACTION \
                                                                        "?|\\p{N}{1,3}| ?[^" WS LN         \
                                                                        "]+[\\r\\n]*|" SPACES

/* DeepSeek: the letters that it takes for Latin, Greek and their like, and its Chinese, which is much more. */
#define DEEPSEEK_LETTERS                                                                              \
    "A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}\\x{1C4}-\\x{293}"   \
    "\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}\\x{37F}\\x{386}"             \
    "\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}"   \
    "\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}"   \
    "\\x{1CBD}-\\x{1CBF}\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}" \
    "\\x{1F18}-\\x{1F1D}\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}"  \
    "\\x{1F5D}\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}"  \
    "\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}" \
    "\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}"   \
    "\\x{2126}\\x{2128}\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}"            \
    "\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}"            \
    "\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}"  \
    "\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}" \
    "\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}"                \
    "\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}"            \
    "\\x{1E900}-\\x{1E943}"
#define DEEPSEEK_SIGNS "!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}"
#define DEEPSEEK_CJK   "[\\x{800}-\\x{9FA5}\\x{AC00}-\\x{D7FF}]+"

/* DeepSeek V3: single patterns for numbers, for Chinese and Japanese, and for the rest. */
#define KANA_HAN         "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{30FF}]+"
#define SIGN             "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
#define DEEPSEEK3(signs) SIGN "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+" signs

/* Youtu: runs of one script, or of signs, which are tried before the words of o200k. */
#define HANGUL   "[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+"
#define BOPOMOFO "[\\x{3105}-\\x{312F}]+"
#define WIDE_SIGNS                                                                                \
    "[\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}\\x{2019}\\x{2014}\\x{FF1A}\\x{FF1B}\\x{FF0C}" \
    "\\x{3001}-\\x{303F}\\x{FE30}-\\x{FE4F}]+"

/* AFMoE: runs of East and South-East Asian scripts. */
#define AFMOE_SCRIPTS                                                                                  \
    "[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{F900}-\\x{FAFF}\\x{3040}-\\x{30FF}\\x{FF65}-\\x{FF9F}" \
    "\\x{2F00}-\\x{2FDF}\\x{E40}-\\x{E7F}\\x{E80}-\\x{EFF}\\x{1780}-\\x{17FF}\\x{1000}-\\x{109F}"      \
    "\\x{AA60}-\\x{AA7F}\\x{A9E0}-\\x{A9FF}\\x{AC00}-\\x{D7AF}\\x{1100}-\\x{11FF}]+"

/* Jais 2: white space in powers of two. A run has no line break ahead of a place inside it that follows other white space:
 * looking for one again at each such place would take the square of the run. */
#define RUN(n) WS "{" #n "}(?![^" WS "])|"
#define JAIS2_SPACES                                                                                                   \
    "(?<![^\\r\\n\\P{White_Space}])" WS "*[\\r\\n]+|" RUN(512) RUN(256) RUN(128) RUN(64) RUN(32) RUN(16) RUN(8) RUN(4) \
        WS "{1,2}(?![^" WS "])|" WS

/* Bloom: words with adjacent characters, up to white space and the signs that end or divide sentences. */
#define BLOOM " ?[^(|)" WS ".,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C}]+"

/* ByteLevel spells bytes as characters, and six bytes above ASCII become number characters: later patterns of a chain see
 * them as numbers. */
#define BYTE_NUMBERS "[0-9\\xB2\\xB3\\xB9\\xBC-\\xBE]+"

#define NFC .normalizes = true, .form = NORMAL_NFC

static const pretok_rule rules[] = {
    { .names = { "gpt-2", "phi-2", "jais", "gigachat", "roberta-bpe", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es",
                 "jina-v2-de", "jina-v2-code" },
      .patterns = { GPT2 } },
    { .names = { "exaone4", "trillion", "granite-docling", "a.x-4.0", "mellum" }, .patterns = { GPT2 } },
    { .names = { "mpt", "olmo", "modern-bert" }, .patterns = { GPT2 }, NFC },
    /* Digits(individual_digits) before ByteLevel. */
    { .names = { "smollm", "starcoder", "refact", "codeshell", "minerva-7b", "mellum2" },
      .patterns = { "\\p{N}", GPT2 } },
    { .names = { "command-r" }, .patterns = { "\\p{N}", GPT2 }, NFC },
    { .names = { "exaone" }, .patterns = { "\\p{N}", GPT2 }, .normalizes = true, .form = NORMAL_NFKC },
    { .names = { "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
                 "jina-v5-nano" },
      .patterns = { CL100K("\\p{N}{1,3}") },
      .ignore_merges = true,
      .add_bos = true },
    { .names = { "chatglm-bpe", "glm4", "glm5" }, .patterns = { CL100K("\\p{N}{1,3}") }, .ignore_merges = true },
    { .names = { "dbrx", "smaug-bpe" }, .patterns = { CL100K("\\p{N}{1,3}") } },
    { .names = { "jais-2" },
      .patterns = { CONTRACTION "|[^\\r\\n" LN "]?\\p{L}+|\\p{N}{1,3}| ?[^" WS LN "]+[\\r\\n]*|" JAIS2_SPACES } },
    { .names = { "minicpm5" }, .patterns = { "\\p{N}{1,3}", CL100K("\\p{N}+") }, .ignore_merges = true },
    { .names = { "qwen2", "deepseek-r1-qwen", "megrez", "kormo", "f2llmv2" }, .patterns = { CL100K("\\p{N}") }, NFC },
    { .names = { "stablelm2", "hunyuan", "solar-open", "grok-2" }, .patterns = { CL100K("\\p{N}") } },
    /* Lines first: so later pieces never span line breaks. */
    { .names = { "laguna" }, .patterns = { "[^\\n]+|\\n+", CL100K("\\p{N}") } },
    /* Words hold their marks. */
    { .names = { "qwen35" },
      .patterns = { CONTRACTION "|[^\\r\\n" LN "]?[\\p{L}\\p{M}]+|\\p{N}| ?[^" WS LN "\\p{M}]+[\\r\\n]*|" SPACES },
      NFC },
    /* No contractions: suffixes after an apostrophe stay with their words. */
    { .names = { "ufakzeka" }, .patterns = { "[^\\r\\n" LN "]?\\p{L}+|\\p{N}| ?[^" WS LN "]+[\\r\\n]*|" SPACES } },
    /* Line breaks one by one, and possessive signs. */
    { .names = { "bailingmoe", "bailingmoe2", "llada-moe" },
      .patterns = { "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n" LN "]?+\\p{L}+|\\p{N}| ?[^" WS LN "]++[\\r\\n]*|" WS
                    "*[\\r\\n]|" WS "+(?![^" WS "])|" WS "+" } },
    /* Signs do not take the line breaks after them. */
    { .names = { "seed-coder" },
      .patterns = { CONTRACTION "|[^\\r\\n" LN "]?\\p{L}+|\\p{N}| ?[^" WS LN "\\r\\n]+|" SPACES } },
    /* Words with single spaces between them are one piece. */
    { .names = { "exaone-moe" },
      .patterns = { CONTRACTION "|[^\\r\\n" LN "]?(?:\\p{L}\\p{M}*+(?: \\p{L}\\p{M}*+)*+)++|\\p{N}| ?[^" WS LN
                                "]+[\\r\\n/]?|" WS "*[\\r\\n]|" WS "+(?![^" WS "])|" WS "+" },
      .seamless = true,
      .long_pieces = true },
    { .names = { "gpt-4o", "llama4", "minimax-m2", "kanana2", "talkie", "granite-embed-multi-97m" },
      .patterns = { O200K(CONTRACTION "?", "\\p{N}{1,3}") },
      .ignore_merges = true },
    { .names = { "tekken" }, .patterns = { O200K("", "\\p{N}") }, .ignore_merges = true, .add_bos = true },
    { .names = { "tiny_aya", "cohere2moe" },
      .threes = { THREES_ISOLATED },
      .patterns = { "", O200K(CONTRACTION "?", "\\p{N}{1,3}") },
      NFC },
    { .names = { "kimi-k2" }, .patterns = { KIMI } },
    { .names = { "youtu" },
      .patterns = { HANGUL "|" WIDE_SIGNS "|" BOPOMOFO "|" KANA_HAN, O200K(CONTRACTION "?", "\\p{N}") },
      .ignore_merges = true },
    { .names = { "deepseek-llm" },
      .patterns = { "[\\r\\n]", WS "?[" DEEPSEEK_LETTERS "]+", WS "?[" DEEPSEEK_SIGNS "]+", "(?<!" WS ")" WS "+\\z",
                    DEEPSEEK_CJK, "\\p{N}" } },
    { .names = { "deepseek-coder" }, .patterns = { "[\\r\\n]", WS "?\\p{L}+", WS "?\\p{P}+", DEEPSEEK_CJK, "\\p{N}" } },
    { .names = { "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4" },
      .patterns = { "\\p{N}{1,3}", KANA_HAN, DEEPSEEK3("[\\r\\n]*|" SPACES) } },
    { .names = { "spark2_5" },
      .patterns = { "\\p{N}{1,3}", KANA_HAN, DEEPSEEK3("|[\\r\\n]|" WS "+(?![^" WS "])|" WS "+"), "\\p{N}" } },
    { .names = { "afmoe" },
      .threes = { [1] = THREES_CUT },
      .patterns = { "\\p{N}+", "", AFMOE_SCRIPTS, DEEPSEEK3("[\\r\\n]*|" SPACES) } },
    { .names = { "bloom", "poro-chat", "gpt3-finnish" }, .patterns = { BLOOM } },
    { .names = { "viking" }, .patterns = { BLOOM, "\\p{N}" } },
    /* Punctuation(contiguous), ByteLevel, Digits, Split. */
    { .names = { "falcon" }, .patterns = { "[\\p{P}$+<=>^`|~]+", GPT2, BYTE_NUMBERS, "[0-9]{3}" }, .bytes_from = 2 },
    /* Images and sentinels of the vocabulary first. */
    { .names = { "chameleon" },
      .patterns = { "<sentinel:[0-9]+>", "(?:IMGIMG)[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}", "[\\p{P}$+<=>^`|~]",
                    GPT2 },
      .add_bos = true,
      .seamless = true },
    { .names = { "superbpe" },
      .threes = { [1] = THREES_CUT },
      .patterns = { "\\p{N}+", "" },
      .seamless = true,
      .long_pieces = true },
    /* llama.cpp's rule for files that name no rule: punctuation, then GPT-2, then numbers, then threes of digits. */
    { .names = { "default" },
      .patterns = { "[\\p{P}$+<=>^~|]+",
                    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" WS LN "]+|" WS "+(?![^" WS "])", "\\p{N}+",
                    "[0-9]{3}" } },
};

const pretok_rule *pretok_rule_at(size_t i)
{
    return i < sizeof rules / sizeof *rules ? &rules[i] : NULL;
}

const pretok_rule *pretok_find_rule(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        for (int k = 0; k < PRETOK_MAX_NAMES && rules[i].names[k]; k++)
            if (strlen(rules[i].names[k]) == n && memcmp(rules[i].names[k], name, n) == 0) return &rules[i];
    return NULL;
}
