/* test_byte_trie.c - the trie against a search through all tokens. */
#include "test_support.h"

#include <string.h>

#include "text/bpe/byte_trie.h"

#define N_TOKENS  700
#define MAX_BYTES 12

/* Random texts of two letters, so that most begin with others; those that are there already are not kept. */
static void draw_tokens(vocab *v, char data[][MAX_BYTES], uint8_t *keep, test_rng *r)
{
    for (int32_t i = 0; i < N_TOKENS; i++) {
        v->raw[i] = (vocab_text){ data[i], (uint32_t)test_rng_range(r, 1, MAX_BYTES) };
        for (int k = 0; k < MAX_BYTES; k++) data[i][k] = (char)('a' + test_rng_range(r, 0, 1));
        keep[i] = test_rng_range(r, 0, 3) > 0;
        for (int32_t k = 0; k < i; k++)
            if (v->raw[k].n == v->raw[i].n && !memcmp(data[k], data[i], v->raw[i].n)) keep[i] = 0;
    }
}

static void a_walk_finds_all_tokens_that_a_text_begins_with(void **state)
{
    static char data[N_TOKENS][MAX_BYTES];
    static vocab_text raw[N_TOKENS];
    uint8_t keep[N_TOKENS];
    vocab v = { .n_tokens = N_TOKENS, .raw = raw, .key = { 1, 0x9E3779B97F4A7C15u } };
    test_rng r = test_rng_init(3);
    byte_trie t;
    (void)state;
    draw_tokens(&v, data, keep, &r);
    assert_int_equal(byte_trie_init(&t, &v, keep), SUMI_OK);
    for (int round = 0; round < 3000; round++) {
        char text[MAX_BYTES + 2];
        int32_t found[MAX_BYTES + 2];
        uint64_t n_steps = 0;
        size_t n = (size_t)test_rng_range(&r, 0, sizeof text), n_want = 0;
        for (size_t i = 0; i < n; i++) text[i] = (char)('a' + test_rng_range(&r, 0, 1));
        size_t n_found = byte_trie_walk(&t, text, n, found, &n_steps);
        for (int32_t i = 0; i < N_TOKENS; i++) n_want += keep[i] && raw[i].n <= n && !memcmp(data[i], text, raw[i].n);
        assert_int_equal(n_found, n_want);
        for (size_t i = 0; i < n_found; i++) {
            const vocab_text *got = &raw[found[i]];
            assert_true(keep[found[i]] && got->n <= n && !memcmp(got->data, text, got->n));
            assert_true(i == 0 || got->n > raw[found[i - 1]].n);
        }
    }
    byte_trie_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_finds_all_tokens_that_a_text_begins_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
