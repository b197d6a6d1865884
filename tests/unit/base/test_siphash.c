/* test_siphash.c - SipHash-1-3 against CPython 3.11, which hashes bytes with it: with the key 0,
 *   PYTHONHASHSEED=0 python3 -c 'for n in (1,7,8,9,16,40): print(n, hex(hash(bytes(range(n))) & (2**64 - 1)))' */
#include "base/siphash.h"

#include "test_support.h"

static void cpython_has_the_same_hashes(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        uint64_t hash;
    } known[] = { { 1, 0x68a914128e01e473 }, { 7, 0x2f098ab0c751325a },  { 8, 0xead411e67ebe2eea },
                  { 9, 0x75927f9d95124362 }, { 16, 0x8972188433a5c5b7 }, { 40, 0x95bc321ab41d8206 } };
    unsigned char text[40];
    for (int i = 0; i < 40; i++) text[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(siphash((sip_key){ 0, 0 }, text, known[i].n) == known[i].hash);
}

static void every_byte_and_every_key_counts(void **state)
{
    (void)state;
    unsigned char text[40] = { 0 };
    sip_key a = { 1, 2 }, b = { 1, 3 };
    for (size_t n = 1; n <= sizeof text; n++) {
        uint64_t before = siphash(a, text, n);
        assert_true(before != siphash(b, text, n));
        assert_true(before != siphash(a, text, n - 1));
        text[n - 1] ^= 1;
        assert_true(before != siphash(a, text, n));
        text[n - 1] ^= 1;
    }
    sip_key drawn = sip_key_draw(), again = sip_key_draw();
    assert_true(drawn.k0 != again.k0 && drawn.k1 != again.k1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpython_has_the_same_hashes),
        cmocka_unit_test(every_byte_and_every_key_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
