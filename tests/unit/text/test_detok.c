/* test_detok.c - streamed text: whole characters only, the same text as at once. */
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/detok.h"
#include "tiny_vocab.h"

static tiny_tokenizer open_bytes(void) /* token b is the byte b, 256 a control token */
{
    tiny_vocab v;
    tiny_init(&v, "gpt2");
    tiny_bytes(&v);
    tiny_token(&v, "<end>", 3, 0);
    return tiny_open(&v);
}

/* Streams the bytes of text as tokens; result in *out. */
static void stream(const tokenizer *t, const char *text, size_t n, buf *out)
{
    detok d;
    detok_init(&d, t, false);
    for (size_t i = 0; i < n; i++) {
        detok_push(&d, (uint8_t)text[i], out);
        assert_int_equal(utf8_valid_prefix(out->data ? out->data : "", out->n), out->n);
        assert_true(d.n_held <= 3);
    }
    detok_flush(&d, out);
}

static void text_comes_out_as_python_decodes_it(void **state)
{
    /* Each pair: bytes, and bytes.decode("utf-8", "replace") in UTF-8. */
    static const char *const cases[][2] = {
        { "abc", "abc" },
        { "\xC3\xA9", "\xC3\xA9" },
        { "\xF0\x9F\x98\x80!", "\xF0\x9F\x98\x80!" },
        { "\xFF", UTF8_REPLACEMENT },
        { "\xE2\x82", UTF8_REPLACEMENT },
        { "\xE2\x82"
          "A",
          UTF8_REPLACEMENT "A" },
        { "\xE2\x28\xA1", UTF8_REPLACEMENT "(" UTF8_REPLACEMENT },
        { "\xF0\x9F\xF0\x9F\x98\x80", UTF8_REPLACEMENT "\xF0\x9F\x98\x80" },
        { "\xED\xA0\x80", UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT },
        { "\xF4\x90\x80\x80", UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT },
        { "\xC0\x80", UTF8_REPLACEMENT UTF8_REPLACEMENT },
        { "\xC3\xC3\xA9", UTF8_REPLACEMENT "\xC3\xA9" },
        { "\x80\xE3\x81\x82\xE3", UTF8_REPLACEMENT "\xE3\x81\x82" UTF8_REPLACEMENT },
    };
    tiny_tokenizer t = open_bytes();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf out;
        buf_init(&out, 1000);
        stream(t.tokenizer, cases[i][0], strlen(cases[i][0]), &out);
        assert_string_equal(out.data, cases[i][1]);
        buf_deinit(&out);
    }
    tiny_close(&t);
}

static void a_character_comes_out_with_its_last_byte(void **state)
{
    static const char emoji[] = "\xF0\x9F\x98\x80";
    tiny_tokenizer t = open_bytes();
    detok d;
    buf out;
    (void)state;
    buf_init(&out, 100);
    detok_init(&d, t.tokenizer, false);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(out.n, 0);
        detok_push(&d, (uint8_t)emoji[i], &out);
    }
    assert_string_equal(out.data, emoji);
    detok_flush(&d, &out);
    assert_int_equal(out.n, 4);
    buf_deinit(&out);
    tiny_close(&t);
}

static void special_tokens_come_out_on_request_and_wrong_ids_never(void **state)
{
    tiny_tokenizer t = open_bytes();
    (void)state;
    for (int special = 0; special < 2; special++) {
        detok d;
        buf out;
        buf_init(&out, 100);
        detok_init(&d, t.tokenizer, special);
        const int32_t ids[] = { 'a', 256, -1, 257, 'b' };
        for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) detok_push(&d, ids[i], &out);
        assert_string_equal(out.data, special ? "a<end>b" : "ab");
        buf_deinit(&out);
    }
    tiny_close(&t);
}

static void the_added_space_goes_only_at_the_start(void **state)
{
    tiny_vocab v;
    (void)state;
    tiny_init(&v, "llama");
    tiny_token(&v, "<unk>", 2, 0);
    tiny_token(&v, "<s>", 3, 0);
    tiny_token(&v, "</s>", 3, 0);
    int32_t hi = tiny_token(&v, "\xE2\x96\x81hi", 1, -1);
    tiny_tokenizer t = tiny_open(&v);
    for (int inside = 0; inside < 2; inside++) {
        detok d;
        buf out;
        buf_init(&out, 100);
        detok_init(&d, t.tokenizer, false);
        if (inside) detok_continue(&d);
        detok_push(&d, 1, &out);
        detok_push(&d, hi, &out);
        detok_push(&d, hi, &out);
        assert_string_equal(out.data, inside ? " hi hi" : "hi hi");
        buf_deinit(&out);
    }
    tiny_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_out_as_python_decodes_it),
        cmocka_unit_test(a_character_comes_out_with_its_last_byte),
        cmocka_unit_test(special_tokens_come_out_on_request_and_wrong_ids_never),
        cmocka_unit_test(the_added_space_goes_only_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
