/* test_normalize.c - normal forms, lower case and letters without accents: of difficult texts as `tokenizers` has
 * them, of every character as Python has them. The goldens are made by make_normalize.py. */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "golden_hash.h"
#include "text/normalize.h"

#define BLOCK 4096 /* code points in a block of the golden file */

typedef sumi_status (*normalize_fn)(const char *text, size_t n, char **out, size_t *n_out);

static sumi_status nfd(const char *text, size_t n, char **out, size_t *n_out)
{
    return normalize_form(NORMAL_NFD, text, n, out, n_out);
}

static sumi_status nfc(const char *text, size_t n, char **out, size_t *n_out)
{
    return normalize_form(NORMAL_NFC, text, n, out, n_out);
}

static sumi_status nfkd(const char *text, size_t n, char **out, size_t *n_out)
{
    return normalize_form(NORMAL_NFKD, text, n, out, n_out);
}

static sumi_status nfkc(const char *text, size_t n, char **out, size_t *n_out)
{
    return normalize_form(NORMAL_NFKC, text, n, out, n_out);
}

static const struct way {
    const char *name;
    normalize_fn normalize;
} ways[] = { { "nfd", nfd },
             { "nfc", nfc },
             { "nfkd", nfkd },
             { "nfkc", nfkc },
             { "lower", normalize_lower },
             { "strip", normalize_strip_accents } };

static int count_wrong_texts(const struct way *way, const json_t *texts, const json_t *golden)
{
    json_t *text;
    size_t i;
    int n_wrong = 0;
    json_array_foreach(texts, i, text)
    {
        char key[24], *out;
        size_t n_out;
        snprintf(key, sizeof key, "%zu", i);
        const json_t *want = json_object_get(golden, key);
        assert_int_equal(way->normalize(json_string_value(text), json_string_length(text), &out, &n_out), SUMI_OK);
        bool same = !want == !out;
        if (want && out) same = n_out == json_string_length(want) && !memcmp(out, json_string_value(want), n_out);
        if (!same)
            fprintf(stderr, "%s of text %zu [%s] is [%s], not [%s]\n", way->name, i, json_string_value(text),
                    out ? out : "the same", want ? json_string_value(want) : "the same");
        n_wrong += !same;
        free(out);
    }
    return n_wrong;
}

static void difficult_texts_become_what_tokenizers_makes_of_them(void **state)
{
    json_t *texts = golden_load("tokenizer/texts"), *golden = golden_load("normalize/golden");
    int n_wrong = 0;
    (void)state;
    assert_true(json_array_size(json_object_get(texts, "texts")) >= 300);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        const json_t *want = json_object_get(json_object_get(golden, ways[w].name), "texts");
        assert_true(json_object_size(want) >= 8);
        n_wrong += count_wrong_texts(&ways[w], json_object_get(texts, "texts"), want);
    }
    json_decref(texts);
    json_decref(golden);
    assert_int_equal(n_wrong, 0);
}

/* FNV-1a, 32 bits. */
static uint32_t hash(uint32_t value, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) value = (value ^ (uint8_t)data[i]) * 16777619u;
    return value;
}

static uint32_t hash_block(normalize_fn normalize, uint32_t first, const bool *assigned)
{
    uint32_t value = 2166136261u;
    for (uint32_t cp = first; cp < first + BLOCK; cp++) {
        char utf8[4], *out;
        size_t n_out;
        if (!assigned[cp]) continue;
        size_t n = utf8_encode(cp, utf8);
        assert_int_equal(normalize(utf8, n, &out, &n_out), SUMI_OK);
        value = out ? hash(value, out, n_out) : hash(value, utf8, n);
        free(out);
    }
    return value;
}

/* The code points of the golden file's ranges: [0x110000], freed with free(). */
static bool *read_assigned(const json_t *ranges)
{
    bool *assigned = calloc(0x110000, sizeof *assigned);
    json_t *range;
    size_t i;
    json_array_foreach(ranges, i, range)
    {
        json_int_t first = json_integer_value(json_array_get(range, 0));
        json_int_t last = json_integer_value(json_array_get(range, 1));
        for (json_int_t cp = first; cp <= last; cp++) assigned[cp] = true;
    }
    return assigned;
}

static void every_character_becomes_what_python_makes_of_it(void **state)
{
    json_t *golden = golden_load("normalize/golden");
    bool *assigned = read_assigned(json_object_get(golden, "assigned"));
    int n_wrong = 0;
    (void)state;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        const json_t *want = json_object_get(json_object_get(golden, ways[w].name), "blocks");
        assert_int_equal(json_array_size(want), 0x110000 / BLOCK);
        for (uint32_t b = 0; b < 0x110000 / BLOCK; b++) {
            uint32_t got = hash_block(ways[w].normalize, b * BLOCK, assigned);
            if (got == (uint32_t)json_integer_value(json_array_get(want, b))) continue;
            fprintf(stderr, "%s differs somewhere from U+%04X to U+%04X\n", ways[w].name, b * BLOCK,
                    (b + 1) * BLOCK - 1);
            n_wrong++;
        }
    }
    free(assigned);
    json_decref(golden);
    assert_int_equal(n_wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(difficult_texts_become_what_tokenizers_makes_of_them),
        cmocka_unit_test(every_character_becomes_what_python_makes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
