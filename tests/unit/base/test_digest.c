/* test_digest.c - any difference shows, and the numbers are those of another program. */
#include "base/digest.h"

#include "test_support.h"

static byte_digest of(uint64_t place, const void *bytes, size_t n)
{
    byte_digest d = { 0 };
    digest_add(&d, place, 0, bytes, n);
    return d;
}

static bool equal(byte_digest a, byte_digest b)
{
    return a.word[0] == b.word[0] && a.word[1] == b.word[1];
}

/* Both words, from make_digest.py beside this file. */
static void known_bytes_have_known_digests(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        uint64_t word[2];
    } known[] = {
        { 0, { 0xBC7C25C0AC56C277, 0x4C8934E4852BF84B } },    { 1, { 0xFD163FDD35BCE73F, 0xF9049A605B828BFB } },
        { 63, { 0xBDCF82E1CE5EC5A6, 0xF87E7511A6135812 } },   { 64, { 0xC621140C1C625B4A, 0x02D93F9F6BC98541 } },
        { 65, { 0x94FF31F5C069BC79, 0xD09B922F081A9EAF } },   { 128, { 0x1DFA4A699C09503E, 0xE4FC1930DFF2885E } },
        { 1000, { 0x81FD2B906560AB3F, 0x1FFE28F23008719B } },
    };
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i * 7 + i / 3);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        byte_digest d = of(5, bytes, known[i].n);
        if (d.word[0] != known[i].word[0] || d.word[1] != known[i].word[1])
            fail_msg("%zu bytes: %016llx %016llx", known[i].n, (unsigned long long)d.word[0],
                     (unsigned long long)d.word[1]);
    }
}

static void each_bit_shows(void **state)
{
    (void)state;
    uint8_t bytes[300] = { 0 };
    test_rng r = test_rng_init(3);
    for (int round = 0; round < 2; round++) { /* zeros, then anything */
        byte_digest was = of(0, bytes, sizeof bytes);
        for (size_t i = 0; i < 8 * sizeof bytes; i++) {
            bytes[i / 8] ^= (uint8_t)(1 << i % 8);
            byte_digest now = of(0, bytes, sizeof bytes);
            assert_true(now.word[0] != was.word[0] && now.word[1] != was.word[1]);
            bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)test_rng_u32(&r);
    }
}

static void places_and_lengths_show_and_the_order_of_pieces_does_not(void **state)
{
    (void)state;
    uint8_t bytes[8192];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i / 4096 + 1);
    byte_digest a = of(1, bytes, sizeof bytes), b = of(2, bytes, sizeof bytes), ab = a, ba = b, swapped = { 0 };
    assert_false(equal(a, b));
    assert_false(equal(a, of(1, bytes, sizeof bytes - 1)));
    digest_add(&ab, 2, 0, bytes, sizeof bytes);
    digest_add(&ba, 1, 0, bytes, sizeof bytes);
    assert_true(equal(ab, ba));
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(2 - i / 4096);
    digest_add(&swapped, 1, 0, bytes, sizeof bytes); /* two pages have changed places */
    assert_false(equal(a, swapped));
    assert_false(equal(of(0, "", 0), of(0, "\0", 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes_have_known_digests),
        cmocka_unit_test(each_bit_shows),
        cmocka_unit_test(places_and_lengths_show_and_the_order_of_pieces_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
