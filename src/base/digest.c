/* digest.c - see digest.h. */
#include "base/digest.h"

#include <string.h>

#include "base/siphash.h"

enum { LANES = 4, STRIPE = LANES * 16 };

/* The fractional digits of pi: constants without a hidden property, as in Blowfish. P is odd. */
static const uint64_t K[LANES] = { 0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89 };
static const uint64_t L[LANES] = { 0x452821E638D01377, 0xBE5466CF34E90C6C, 0xC0AC29B7C97C50DD, 0x3F84D5B5B5470917 };
static const uint64_t P = 0x9216D5D98979FB1B;

static uint64_t load64(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static void take_stripe(uint64_t s[LANES], const uint8_t *p)
{
    for (int i = 0; i < LANES; i++) {
        unsigned __int128 product = (unsigned __int128)(load64(p + 16 * i) ^ K[i]) * (load64(p + 16 * i + 8) ^ L[i]);
        s[i] = s[i] * P + ((uint64_t)(product >> 64) ^ (uint64_t)product);
    }
}

void digest_add(byte_digest *d, uint64_t place, uint64_t in_place, const void *bytes, size_t n_bytes)
{
    const uint8_t *p = bytes;
    uint64_t all[LANES + 3] = { 0 };
    size_t n = n_bytes;
    for (; n >= STRIPE; n -= STRIPE, p += STRIPE) take_stripe(all, p);
    if (n) {
        uint8_t rest[STRIPE] = { 0 };
        memcpy(rest, p, n);
        take_stripe(all, rest);
    }
    all[LANES] = n_bytes;
    all[LANES + 1] = place;
    all[LANES + 2] = in_place;
    for (uint64_t i = 0; i < 2; i++) d->word[i] += siphash((sip_key){ i, 0 }, all, sizeof all);
}
