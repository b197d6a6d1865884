/* test_hf_pretok.c - hf_pretok.c: what tokenizer.json says of each pre-tokenizer, by the `tokenizers` library
 * (tests/golden/make_pretok.py), is recognised as one of the names that mean it. */
#include "hf/tokenizer/hf_tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "test_support.h"

static json_t *load(void)
{
    size_t n;
    json_error_t why;
    char *text = test_read_file(test_source_path("tests/golden/pretok/tokenizers.json"), &n);
    json_t *list = json_loadb(text, n, 0, &why);
    if (!list) fail_msg("line %d: %s", why.line, why.text);
    free(text);
    return list;
}

static bool lists(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (!strcmp(json_string_value(json_array_get(names, i)), name)) return true;
    return false;
}

static void every_pretokenizer_is_recognised(void **state)
{
    /* Chains that no published model in use has. */
    static const char *const unknown[] = { "chameleon", "youtu" };
    (void)state;
    json_t *list = load();
    assert_true(json_array_size(list) > 25);
    for (size_t i = 0; i < json_array_size(list); i++) {
        sumi_error err;
        const json_t *names = json_object_get(json_array_get(list, i), "names");
        const char *name = hf_pretok_name(json_object_get(json_array_get(list, i), "tokenizer"), &err);
        const char *first = json_string_value(json_array_get(names, 0));
        bool expected = true;
        for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) expected = expected && strcmp(unknown[k], first);
        if (!expected) {
            assert_null(name);
            assert_int_equal(err.status, SUMI_EUNSUPPORTED);
            continue;
        }
        if (!name) fail_msg("%s: %s", first, err.message);
        if (!lists(names, name)) fail_msg("%s is taken for %s", first, name);
    }
    json_decref(list);
}

static const char *name_of(const char *json, sumi_error *err)
{
    json_t *t = json_loads(json, 0, NULL);
    assert_non_null(t);
    const char *name = hf_pretok_name(t, err);
    json_decref(t);
    return name;
}

static void what_is_not_known_is_named_in_one_line(void **state)
{
    (void)state;
    sumi_error err;
    assert_null(name_of("{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
                        "\"pattern\":{\"Regex\":"
                        "\"x+\\ny\"},\"behavior\":\"Isolated\"},{\"type\":\"Whitespace\"}]},\"normalizer\":{"
                        "\"type\":\"Lowercase\"}}",
                        &err));
    assert_int_equal(err.status, SUMI_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "split x+\\ny;Whitespace"));
    assert_non_null(strstr(err.message, "Lowercase"));
    assert_null(strchr(err.message, '\n'));
    assert_null(name_of("{}", &err));
    assert_null(name_of("{\"pre_tokenizer\":[1,2],\"normalizer\":7}", &err));
    assert_null(name_of("{\"pre_tokenizer\":{\"type\":\"Digits\",\"individual_digits\":true}}", &err));
}

static void a_sequence_of_one_and_a_removed_rest_are_the_same(void **state)
{
    (void)state;
    sumi_error err;
    assert_string_equal(name_of("{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"normalizer\":{\"type\":"
                                "\"Sequence\",\"normalizers\":[]}}",
                                &err),
                        "gpt-2");
    assert_string_equal(name_of("{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
                                "\"Split\",\"pattern\":{\"Regex\":"
                                "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
                                "\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+"
                                "[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":"
                                "\"Removed\",\"invert\":true},"
                                "{\"type\":\"ByteLevel\",\"use_regex\":false}]}}",
                                &err),
                        "dbrx");
}

/* No name means it, and no reader of GGUF files does it. */
static void a_space_in_front_of_bytes_is_refused(void **state)
{
    (void)state;
    sumi_error err;
    gguf_head head;
    hf_folder f = { .path = (char *)(uintptr_t) "folder" };
    f.tokenizer = json_loads("{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true},"
                             "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}",
                             0, NULL);
    assert_non_null(f.tokenizer);
    gguf_head_init(&head, 32);
    assert_int_equal(hf_tokenizer_write(&f, 0, &head, &err), SUMI_EUNSUPPORTED);
    assert_string_equal(err.message, "folder/tokenizer.json: ByteLevel with add_prefix_space is not supported");
    gguf_head_deinit(&head);
    json_decref(f.tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pretokenizer_is_recognised),
        cmocka_unit_test(a_space_in_front_of_bytes_is_refused),
        cmocka_unit_test(what_is_not_known_is_named_in_one_line),
        cmocka_unit_test(a_sequence_of_one_and_a_removed_rest_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
