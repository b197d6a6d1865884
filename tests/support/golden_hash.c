/* golden_hash.c - see golden_hash.h. */
#include "golden_hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_support.h"

uint32_t golden_hash(const uint32_t *numbers, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        for (int shift = 0; shift < 32; shift += 8) value = (value ^ (numbers[i] >> shift & 0xFF)) * 16777619u;
    return value;
}

static uint32_t four_digits(const char *s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digit = s[i] == '=' ? digits : strchr(digits, s[i]);
        assert_non_null(digit);
        value = value << 6 | (uint32_t)(digit - digits);
    }
    return value;
}

int golden_hash_equals(const char *hashes, size_t i, uint32_t value)
{
    return four_digits(hashes + 4 * i) == (value & 0xFFFFFF);
}

uint8_t *golden_base64(const char *text, size_t *n_bytes)
{
    size_t n = strlen(text), n_out = 0;
    uint8_t *out = malloc(n / 4 * 3 + 1);
    for (size_t i = 0; i + 4 <= n; i += 4) {
        uint32_t value = four_digits(text + i);
        for (int shift = 16; shift >= 0; shift -= 8) out[n_out++] = (uint8_t)(value >> shift);
        if (text[i + 3] == '=') n_out -= text[i + 2] == '=' ? 2 : 1;
    }
    *n_bytes = n_out;
    return out;
}

json_t *golden_load(const char *name)
{
    char path[256];
    json_error_t error;
    snprintf(path, sizeof path, "tests/golden/%s.json", name);
    json_t *j = json_load_file(test_source_path(path), JSON_ALLOW_NUL, &error);
    if (!j) fail_msg("%s: %s", path, error.text);
    return j;
}
