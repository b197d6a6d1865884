/* test_hub.c - JSON of hubs. The lists and manifests are of the form that the hubs' documentation shows. */
#include "store/hub.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "test_support.h"

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define GIT "30d74d258442c7c65512eafab474568dd706c430"

static void a_list_gives_paths_sizes_and_digests(void **state)
{
    static const char json[] = "[{\"type\":\"directory\",\"oid\":\"" GIT "\",\"size\":0,\"path\":\"d\"},"
                               "{\"type\":\"file\",\"oid\":\"" GIT "\",\"size\":4,\"path\":\"config.json\"},"
                               "{\"type\":\"file\",\"oid\":\"" GIT
                               "\",\"size\":9000000000,\"path\":\"d/m.gguf\",\"xetHash\":\"x\","
                               "\"lfs\":{\"oid\":\"" SHA "\",\"size\":9000000000,\"pointerSize\":135}},"
                               "{\"type\":\"file\",\"path\":\"odd\",\"size\":\"4\",\"oid\":12},"
                               "{\"type\":\"file\",\"path\":\"../"
                               "evil\",\"size\":4},{\"type\":\"file\",\"path\":\".gitattributes\"}]";
    repo r = { 0 };
    sumi_error err;
    (void)state;
    assert_int_equal(hub_read_list(&r, json, strlen(json), &err), SUMI_OK);
    assert_int_equal(r.n, 3);
    assert_string_equal(r.files[0].path, "config.json");
    assert_int_equal(r.files[0].digest.kind, DIGEST_GIT_SHA1);
    assert_string_equal(r.files[0].digest.hex, GIT);
    assert_string_equal(r.files[1].path, "d/m.gguf");
    assert_int_equal(r.files[1].n_bytes, 9000000000);
    assert_int_equal(r.files[1].digest.kind, DIGEST_SHA256);
    assert_string_equal(r.files[1].digest.hex, SHA);
    assert_int_equal(r.files[2].n_bytes, -1);
    assert_int_equal(r.files[2].digest.kind, DIGEST_NONE);
    repo_deinit(&r);
}

static void a_manifest_gives_the_model_and_its_texts(void **state)
{
#define LAYER(kind, size) \
    "{\"mediaType\":\"application/vnd.ollama.image." kind "\",\"digest\":\"sha256:" SHA "\",\"size\":" size "}"
    static const char json[] = "{\"schemaVersion\":2,\"layers\":[" LAYER("model", "7") "," LAYER(
        "license", "2") "," LAYER("license", "3") "," LAYER("template",
                                                            "2000000") "," LAYER("adapter",
                                                                                 "5") "," LAYER("adapter",
                                                                                                "6") ",{},7]}";
    static const char none[] = "{\"layers\":[" LAYER("tensor", "7") "]}";
    char left_out[64];
    repo r = { 0 };
    sumi_error err;
    (void)state;
    assert_int_equal(hub_read_manifest(&r, json, strlen(json), left_out, sizeof left_out, &err), SUMI_OK);
    assert_int_equal(r.n, 3);
    assert_string_equal(r.files[0].path, "model.gguf");
    assert_int_equal(r.files[0].n_bytes, 7);
    assert_string_equal(r.files[0].digest.hex, SHA);
    assert_string_equal(r.files[1].path, "license.txt");
    assert_string_equal(r.files[2].path, "license-2.txt");
    assert_string_equal(left_out, "template, adapter"); /* a template of 2 MB is none */
    repo_deinit(&r);
    assert_int_equal(hub_read_manifest(&r, none, strlen(none), left_out, sizeof left_out, &err), SUMI_EUNSUPPORTED);
    assert_string_equal(err.message, "the manifest has 0 GGUF layers, not one; there are tensor");
    repo_deinit(&r);
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const cases[] = { "", "[", "{}", "7", "null", "[{]", "\xff\xfe" };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char left_out[8];
        repo r = { 0 };
        sumi_error err;
        assert_int_equal(hub_read_list(&r, cases[i], strlen(cases[i]), &err), SUMI_EFORMAT);
        assert_int_equal(hub_read_manifest(&r, cases[i], strlen(cases[i]), left_out, sizeof left_out, &err),
                         SUMI_EFORMAT);
        assert_int_equal(r.n, 0);
        repo_deinit(&r);
    }
}

static void a_list_of_too_many_files_is_refused(void **state)
{
    buf b;
    repo r = { 0 };
    sumi_error err;
    (void)state;
    buf_init(&b, HUB_MAX_LIST);
    for (int i = 0; i <= REPO_MAX_FILES; i++) buf_printf(&b, "%c{\"path\":\"f%d\"}", i ? ',' : '[', i);
    buf_append_char(&b, ']');
    assert_int_equal(hub_read_list(&r, b.data, b.n, &err), SUMI_ELIMIT);
    assert_int_equal(r.n, REPO_MAX_FILES);
    repo_deinit(&r);
    buf_deinit(&b);
}

static void the_next_page_is_found_in_the_link(void **state)
{
    char url[32];
    (void)state;
    assert_true(hub_next_link("<https://h/a?b=1>; rel=\"next\"", url, sizeof url));
    assert_string_equal(url, "https://h/a?b=1");
    assert_true(hub_next_link("<https://h/z>; rel=\"last\", <https://h/b>; rel=\"next\"", url, sizeof url));
    assert_string_equal(url, "https://h/b");
    static const char *const none[] = { "",
                                        "<",
                                        "<>; rel=\"next\"",
                                        "<https://h/a>; rel=\"prev\"",
                                        "https://h/a; rel=\"next\"",
                                        "<https://h/is/too/long/for/the/room>; rel=\"next\"",
                                        "<a>",
                                        "<a>, rel=\"next\"" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_false(hub_next_link(none[i], url, sizeof url));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_gives_paths_sizes_and_digests),
        cmocka_unit_test(a_manifest_gives_the_model_and_its_texts),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(a_list_of_too_many_files_is_refused),
        cmocka_unit_test(the_next_page_is_found_in_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
