/* hf_pretok.c - recognises the pre-tokenizer of tokenizer.json; GGUF files have only a name for it.
 *
 * The steps of the pre-tokenizer are written as a text, one line each. The text is looked up together with the normaliser
 * and with the setting whether pieces that are tokens stay whole. Equal texts give equal cuts, whatever the family, so of
 * several names for the same rule the first one in use is taken.
 *
 *   ByteLevel with its own pattern    gpt2              Split    split PATTERN, line breaks as \r and \n
 *   ByteLevel without one             (nothing)         Digits   digit, or digits if they stay together
 *   Punctuation                       punctuation */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "hf/tokenizer/hf_tokenizer.h"

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES      "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CL100K(numbers) \
    "split " CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES "\n"
#define UPPER_SET   "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}"
#define LOWER_SET   "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}"
#define UPPER       "[" UPPER_SET "]"
#define LOWER       "[" LOWER_SET "]"
#define NO_HAN(set) "[" set "&&[^\\p{Han}]]"
#define KANA_HAN    "split [\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+\n"
#define O200K(contraction, numbers)                                                                          \
    "split [^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" contraction "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER \
    "*" contraction "|" numbers "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES "\n"
#define AFMOE_SCRIPTS                                                              \
    "[\xE4\xB8\x80-\xE9\xBF\xBF\xE3\x90\x80-\xE4\xB6\xBF\xEF\xA4\x80-\xEF\xAB\xBF" \
    "\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF\xEF\xBD\xA5-\xEF\xBE\x9F"  \
    "\xE2\xBC\x80-\xE2\xBF\x9F\xE0\xB9\x80-\xE0\xB9\xBF\xE0\xBA\x80-\xE0\xBB\xBF"  \
    "\xE1\x9E\x80-\xE1\x9F\xBF\xE1\x80\x80-\xE1\x82\x9F\xEA\xA9\xA0-\xEA\xA9\xBF"  \
    "\xEA\xA7\xA0-\xEA\xA7\xBF\xEA\xB0\x80-\xED\x9E\xAF\xE1\x84\x80-\xE1\x87\xBF]+"
#define SIGN "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"

enum { ANY = -1 };

static const struct {
    const char *steps;
    const char *normal; /* "NFC", ...; "": none */
    int ignore_merges;  /* 0, 1, ANY */
    const char *name;
} known[] = {
    { "gpt2\n", "", ANY, "gpt-2" },
    { "gpt2\n", "NFC", ANY, "mpt" },
    { "digit\ngpt2\n", "", ANY, "smollm" },
    { "digit\ngpt2\n", "NFC", ANY, "command-r" },
    { "digit\ngpt2\n", "NFKC", ANY, "exaone" },
    { CL100K("\\p{N}{1,3}"), "", 1, "llama-bpe" },
    { CL100K("\\p{N}{1,3}"), "", 0, "dbrx" },
    { CL100K("\\p{N}"), "NFC", ANY, "qwen2" },
    { CL100K("\\p{N}"), "", ANY, "stablelm2" },
    { "split " CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SPACES
      "\n",
      "NFC", ANY, "qwen35" },
    { "split '(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| "
      "?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|"
      "\\s+(?!\\S)|\\s+\n",
      "", ANY, "bailingmoe" },
    { "split " CONTRACTION
      "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|"
      "\\s+\n",
      "", ANY, "seed-coder" },
    { O200K(CONTRACTION "?", "\\p{N}{1,3}"), "", ANY, "gpt-4o" },
    { O200K("", "\\p{N}"), "", ANY, "tekken" },
    { "split [\\r\\n]\nsplit \\s?\\p{L}+\nsplit \\s?\\p{P}+\nsplit "
      "[\xE4\xB8\x80-\xE9\xBE\xA5\xE0\xA0\x80-\xE4\xB8\x80"
      "\xEA\xB0\x80-\xED\x9F\xBF]+\ndigit\n",
      "", ANY, "deepseek-coder" },
    { "split \\p{N}{1,3}\nsplit "
      "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+\nsplit " SIGN
      "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" SPACES "\n",
      "", ANY, "deepseek-v3" },
    { "split " CONTRACTION
      "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|"
      "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+\n",
      "", ANY, "exaone-moe" },
    { "split [^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES "\n", "", ANY, "ufakzeka" },
    { "split \\p{N}{1,3}\n" CL100K("\\p{N}+"), "", ANY, "minicpm5" },
    { "split \\d{1,3}(?=(?:\\d{3})*\\b)\n" O200K(CONTRACTION "?", "\\p{N}{1,3}"), "NFC", ANY, "tiny_aya" },
    { "split \\p{N}+\nsplit (?=(\\d{3})+(?!\\d))\n", "", ANY, "superbpe" },
    { "split \\p{N}{1,3}\n" KANA_HAN "split " SIGN "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
      "?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+\ndigit\n",
      "", ANY, "spark2_5" },
    { "split [\\p{Han}]+|[^\\r\\n\\p{L}\\p{N}]?" NO_HAN(UPPER_SET) "*" NO_HAN(
          LOWER_SET) "+" CONTRACTION
                     "?|[^\\r\\n\\p{L}\\p{N}]?" NO_HAN(UPPER_SET) "+" NO_HAN(
                         LOWER_SET) "*" CONTRACTION "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES "\n",
      "", ANY, "kimi-k2" },
    { "split \\p{N}+\nsplit (?=(\\d{3})+(?!\\d))\nsplit " AFMOE_SCRIPTS "\nsplit " SIGN
      "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" SPACES "\n",
      "", ANY, "afmoe" },
    { "split " CONTRACTION
      "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s{512}(?!\\S)|"
      "\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|"
      "\\s{1,2}(?!\\S)|\\s{1}\n",
      "", ANY, "jais-2" },
    { "split [^\\n]+|[\\n]+\n" CL100K("\\p{N}"), "", ANY, "laguna" },
    { "punctuation\ngpt2\ndigits\nsplit [0-9][0-9][0-9]\n", "", ANY, "falcon" },
    { "split  "
      "?[^(\\s|[.,!?\xE2\x80\xA6\xE3\x80\x82\xEF\xBC\x8C\xE3\x80\x81\xE0\xA5\xA4\xDB\x94\xD8\x8C])]+\n",
      "", ANY, "bloom" },
    { "split  "
      "?[^(\\s|[.,!?\xE2\x80\xA6\xE3\x80\x82\xEF\xBC\x8C\xE3\x80\x81\xE0\xA5\xA4\xDB\x94\xD8\x8C])]+"
      "\ndigit\n",
      "", ANY, "viking" },
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool flag(const json_t *object, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

/* DeepSeek LLM lists letters one by one; its first two steps are enough to know it by. */
static bool is_deepseek_llm(const char *steps)
{
    static const char begin[] = "split [\\r\\n]\nsplit \\s?[A-Za-z\xC2\xB5";
    return !strncmp(steps, begin, sizeof begin - 1);
}

static void write_pattern(buf *out, const char *pattern)
{
    buf_append_str(out, "split ");
    for (; *pattern; pattern++) {
        if (*pattern == '\r') buf_append_str(out, "\\r");
        else if (*pattern == '\n') buf_append_str(out, "\\n");
        else if (pattern[0] == '\\' && pattern[1] == '"')
            buf_append_char(out, *++pattern); /* the same with and without */
        else buf_append_char(out, *pattern);
    }
    buf_append_char(out, '\n');
}

/* A step of a kind that is not known is written by its name, and found nowhere. */
static void write_step(buf *out, const json_t *step, int depth)
{
    const char *type = text_of(step, "type"), *behavior = text_of(step, "behavior");
    const char *pattern = text_of(json_object_get(step, "pattern"), "Regex");
    const json_t *list = json_object_get(step, "pretokenizers");
    bool isolated = !strcmp(behavior, "Isolated") || (!strcmp(behavior, "Removed") && flag(step, "invert", false));
    if (!strcmp(type, "Sequence") && depth < 4) {
        for (size_t i = 0; i < json_array_size(list); i++) write_step(out, json_array_get(list, i), depth + 1);
    } else if (!strcmp(type, "ByteLevel")) {
        if (flag(step, "use_regex", true)) buf_append_str(out, "gpt2\n");
    } else if (!strcmp(type, "Digits")) {
        buf_append_str(out, flag(step, "individual_digits", false) ? "digit\n" : "digits\n");
    } else if (!strcmp(type, "Punctuation") && !strcmp(behavior, "Contiguous")) {
        buf_append_str(out, "punctuation\n");
    } else if (!strcmp(type, "Split") && isolated && *pattern) {
        write_pattern(out, pattern);
    } else {
        buf_printf(out, "%.40s %.40s\n", *type ? type : "nothing", behavior);
    }
}

static const char *normal_form(const json_t *tokenizer)
{
    const json_t *n = json_object_get(tokenizer, "normalizer"), *list = json_object_get(n, "normalizers");
    if (!strcmp(text_of(n, "type"), "Sequence") && json_array_size(list) == 0) return "";
    if (!strcmp(text_of(n, "type"), "Sequence") && json_array_size(list) == 1) n = json_array_get(list, 0);
    return text_of(n, "type");
}

const char *hf_pretok_name(const json_t *tokenizer, sumi_error *err)
{
    buf steps;
    const char *normal = normal_form(tokenizer), *name = NULL;
    bool ignore = flag(json_object_get(tokenizer, "model"), "ignore_merges", false);
    buf_init(&steps, 1 << 16);
    write_step(&steps, json_object_get(tokenizer, "pre_tokenizer"), 0);
    if (steps.status == SUMI_ENOMEM) { /* the incomplete text may be that of another pre-tokenizer */
        sumi_fail(err, SUMI_ENOMEM, "out of memory for the pre-tokenizer");
        buf_deinit(&steps);
        return NULL;
    }
    const char *text = steps.data ? steps.data : "";
    for (size_t i = 0; !name && i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].steps, text) && !strcmp(known[i].normal, normal) &&
            (known[i].ignore_merges == ANY || known[i].ignore_merges == ignore))
            name = known[i].name;
    if (!name && is_deepseek_llm(text) && !*normal) name = "deepseek-llm";
    if (!name) {
        for (char *c = steps.data; c && *c; c++)
            if (*c == '\n') *c = c[1] ? ';' : '\0';
        sumi_fail(err, SUMI_EUNSUPPORTED, "sumi does not know this pre-tokenizer%s%s: %.200s", *normal ? ", with " : "",
                  normal, text);
    }
    buf_deinit(&steps);
    return name;
}
