/* test_ref.c - what users write for models from elsewhere, and the folder of the store that it means. */
#include "store/ref.h"

#include <stdio.h>
#include <string.h>

#include "test_support.h"

/* The folder, and what is meant in it: "hf/o/n Q4_0". */
static const char *place(const char *text)
{
    static char out[REF_MAX_URL + 3 * NAME_MAX_PATH];
    char folder[REF_MAX_URL + NAME_MAX_PATH + 1];
    model_ref r;
    sumi_error err;
    if (ref_parse(&r, text, &err) != SUMI_OK || ref_folder(&r, folder, sizeof folder, &err) != SUMI_OK) {
        assert_non_null(strstr(err.message, "'"));
        return NULL;
    }
    snprintf(out, sizeof out, "%s %s", folder, r.what);
    return out;
}

static void each_spelling_has_its_place(void **state)
{
    static const char *const cases[][2] = {
        { "hf:o/n", "hf/o/n " },
        { "hf://o/n", "hf/o/n " },
        { "hf.co/o/n:Q4_K_M", "hf/o/n Q4_K_M" },
        { "HF.co/o/n:Q4_K_M", "hf/o/n Q4_K_M" },
        { "huggingface.co/o/n", "hf/o/n " },
        { "https://huggingface.co/o/n", "hf/o/n " },
        { "https://huggingface.co/o/n/tree/main", "hf/o/n " },
        { "https://huggingface.co/o/n/blob/main/a/b.gguf", "hf/o/n a/b.gguf" },
        { "https://huggingface.co/o/n/resolve/v2/b.gguf?download=true", "hf/o/n@v2 b.gguf" },
        { "hf:o/n@v2:b.gguf", "hf/o/n@v2 b.gguf" },
        { "hf:o/n/b.gguf", "hf/o/n b.gguf" },
        { "hf:o/n:a/b c (1).gguf", "hf/o/n a/b c (1).gguf" },
        { "ollama:n", "ollama/registry.ollama.ai/library/n/latest latest" },
        { "ollama:n:1b", "ollama/registry.ollama.ai/library/n/1b 1b" },
        { "ollama:o/n:1b", "ollama/registry.ollama.ai/o/n/1b 1b" },
        { "ollama:h.org:5000/o/n", "ollama/h.org_5000/o/n/latest latest" },
        { "https://ollama.com/library/n:1b", "ollama/registry.ollama.ai/library/n/1b 1b" },
        { "https://h.org/m.gguf", "url/h.org m.gguf" },
        { "http://h.org:81/a/b/m.gguf?x=/y#z", "url/h.org_81/a/b m.gguf" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(ref_is(cases[i][0]));
        const char *got = place(cases[i][0]);
        if (!got || strcmp(got, cases[i][1]) != 0)
            fail_msg("%s: '%s', not '%s'", cases[i][0], got ? got : "refused", cases[i][1]);
    }
}

static void what_is_no_reference_is_refused(void **state)
{
    static const char *const cases[] = {
        "hf:",
        "hf:o",
        "hf:o/",
        "hf:/n",
        "hf:../n",
        "hf:o/..",
        "hf:o/n:",
        "hf:o/n:../x.gguf",
        "hf:o/n:/etc/x",
        "hf:o/n@:x",
        "hf:o/n@a b",
        "hf:o/n:a\x1b[2J",
        "hf:o/n:.hidden",
        "hf:o n/m",
        "hf:o/n/blob/../x",
        "hf:-o/n",
        "ollama:",
        "ollama::x",
        "ollama:n:",
        "ollama:a/b/c/d",
        "ollama:../n",
        "ollama:n:..",
        "ollama:h:x/o/n",
        "ollama:h:/o/n",
        "ollama:/n",
        "http://",
        "http://h",
        "http://h/",
        "http://h/a/",
        "http:///m.gguf",
        "http://u:p@h/m.gguf",
        "http://h/..",
        "http://h/../m.gguf",
        "http://h/a//m.gguf",
        "http://h/.a/m.gguf",
        "http://h/m\n.gguf",
        "https://h/\xff.gguf",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (place(cases[i])) fail_msg("'%s' is taken: %s", cases[i], place(cases[i]));
    assert_false(ref_is("smollm2"));
    assert_false(ref_is("models/a.gguf"));
    assert_false(ref_is("tiny:1b"));
}

static void long_references_are_refused(void **state)
{
    char text[8192];
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        static const char *const starts[] = { "hf:o/", "hf:o/n:", "ollama:", "http://h/" };
        strcpy(text, starts[kind]);
        size_t n = strlen(text);
        memset(text + n, 'a', sizeof text - n - 1);
        text[sizeof text - 1] = '\0';
        assert_null(place(text));
    }
}

/* Both together are the name of a folder. */
static void a_name_and_a_revision_fit_one_folder(void **state)
{
    char text[512], folder[REF_MAX_URL + NAME_MAX_PATH + 1];
    model_ref r;
    sumi_error err;
    (void)state;
    static const struct {
        const char *before, *between, *after;
    } forms[] = { { "hf:o/", "@", "" }, { "hf:o/", "@", ":Q4_0" }, { "https://huggingface.co/o/", "/tree/", "" } };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (int n = 98; n <= 102; n++) {
            snprintf(text, sizeof text, "%s%0*d%s%0*d%s", forms[i].before, n, 1, forms[i].between, 100, 1,
                     forms[i].after);
            sumi_status st = ref_parse(&r, text, &err);
            assert_int_equal(st, n + 1 + 100 <= NAME_MAX_PART ? SUMI_OK : SUMI_EINVAL);
            if (st != SUMI_OK) continue;
            assert_int_equal(ref_folder(&r, folder, sizeof folder, &err), SUMI_OK);
            assert_true(name_is_path(folder));
        }
}

static void names_in_urls_are_escaped(void **state)
{
    buf b;
    (void)state;
    buf_init(&b, 100);
    name_append_escaped(&b, "a/b c+\xc3\xa4#?%.gguf");
    assert_string_equal(b.data, "a/b%20c%2B%C3%A4%23%3F%25.gguf");
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_spelling_has_its_place), cmocka_unit_test(what_is_no_reference_is_refused),
        cmocka_unit_test(long_references_are_refused), cmocka_unit_test(a_name_and_a_revision_fit_one_folder),
        cmocka_unit_test(names_in_urls_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
