/* test_utf8.c - UTF-8 against a decoder written from the table of the Unicode Standard, on every short sequence. */
#include "test_support.h"

#include <string.h>

#include "base/utf8.h"

/* Unicode 15, table 3-7: well-formed byte sequences. */
static const struct row {
    uint8_t n, low[4], high[4];
} table[] = {
    { 1, { 0x00 }, { 0x7F } },
    { 2, { 0xC2, 0x80 }, { 0xDF, 0xBF } },
    { 3, { 0xE0, 0xA0, 0x80 }, { 0xE0, 0xBF, 0xBF } },
    { 3, { 0xE1, 0x80, 0x80 }, { 0xEC, 0xBF, 0xBF } },
    { 3, { 0xED, 0x80, 0x80 }, { 0xED, 0x9F, 0xBF } },
    { 3, { 0xEE, 0x80, 0x80 }, { 0xEF, 0xBF, 0xBF } },
    { 4, { 0xF0, 0x90, 0x80, 0x80 }, { 0xF0, 0xBF, 0xBF, 0xBF } },
    { 4, { 0xF1, 0x80, 0x80, 0x80 }, { 0xF3, 0xBF, 0xBF, 0xBF } },
    { 4, { 0xF4, 0x80, 0x80, 0x80 }, { 0xF4, 0x8F, 0xBF, 0xBF } },
};

/* How many bytes of p fit the row best, and whether that is all of a row. */
static size_t longest_fit(const uint8_t *p, size_t n, bool *whole)
{
    size_t best = 0;
    *whole = false;
    for (size_t r = 0; r < sizeof table / sizeof *table; r++) {
        size_t i = 0;
        while (i < n && i < table[r].n && p[i] >= table[r].low[i] && p[i] <= table[r].high[i]) i++;
        if (i == table[r].n) *whole = true;
        if (i > best) best = i;
    }
    return best;
}

static void check(const uint8_t *bytes, size_t n)
{
    const char *p = (const char *)bytes;
    uint32_t cp = 0;
    bool whole;
    size_t fit = longest_fit(bytes, n, &whole), got = utf8_decode(p, n, &cp);
    if (whole) {
        char back[4];
        assert_int_equal(got, fit);
        assert_int_equal(utf8_encode(cp, back), fit);
        assert_memory_equal(back, p, fit);
    } else {
        int partial;
        assert_int_equal(got, 0);
        assert_int_equal(utf8_invalid_bytes(p, n, &partial), fit ? fit : 1);
        assert_int_equal(partial != 0, fit == n);
    }
}

static void every_sequence_of_interesting_bytes_is_judged_as_the_standard_says(void **state)
{
    static const uint8_t bytes[] = { 0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                                     0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF };
    size_t k = sizeof bytes;
    (void)state;
    for (size_t i = 0; i < k * k * k * k; i++) {
        uint8_t s[4] = { bytes[i % k], bytes[i / k % k], bytes[i / k / k % k], bytes[i / k / k / k] };
        for (size_t n = 1; n <= 4; n++) check(s, n);
    }
}

static void the_valid_prefix_ends_at_the_first_bad_byte(void **state)
{
    char text[64];
    (void)state;
    for (size_t at = 0; at < sizeof text; at++) { /* every place in the steps of eight bytes */
        memset(text, 'a', sizeof text);
        text[at] = '\xFF';
        assert_int_equal(utf8_valid_prefix(text, sizeof text), at);
        if (at + 2 > sizeof text) continue;
        memcpy(text + at, "\xC3\xA9", 2);
        assert_int_equal(utf8_valid_prefix(text, sizeof text), sizeof text);
        assert_int_equal(utf8_valid_prefix(text, at + 1), at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_of_interesting_bytes_is_judged_as_the_standard_says),
        cmocka_unit_test(the_valid_prefix_ends_at_the_first_bad_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
