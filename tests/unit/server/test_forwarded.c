/* test_forwarded.c - for whom a proxy asks. */
#include "server/http/forwarded.h"

#include <arpa/inet.h>
#include <string.h>

#include "test_support.h"

static struct in6_addr address(const char *text)
{
    ip_range r;
    if (!ip_range_parse(&r, text)) fail_msg("%s", text);
    return r.address;
}

static void ranges_have_what_is_in_them(void **state)
{
    (void)state;
    static const struct {
        const char *range, *inside, *outside;
    } all[] = {
        { "10.0.0.0/8", "10.255.1.2", "11.0.0.1" },
        { "192.0.2.1", "192.0.2.1", "192.0.2.2" },
        { "192.0.2.0/25", "192.0.2.127", "192.0.2.128" },
        { "0.0.0.0/0", "203.0.113.1", "2001:db8::1" },
        { "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1" },
        { "::1", "::1", "::2" },
        { "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.3" },
        { "::/0", "10.0.0.1", NULL },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ip_range r;
        assert_true(ip_range_parse(&r, all[i].range));
        struct in6_addr in = address(all[i].inside);
        if (!ip_range_has(&r, 1, &in)) fail_msg("%s is not in %s", all[i].inside, all[i].range);
        if (!all[i].outside) continue;
        struct in6_addr out = address(all[i].outside);
        if (ip_range_has(&r, 1, &out)) fail_msg("%s is in %s", all[i].outside, all[i].range);
    }
}

static void what_is_no_range_is_refused(void **state)
{
    (void)state;
    static const char *const all[] = { "",       "a",      "10.0.0.0/33", "10.0.0.0/",    "10.0.0.0/-1", "10.0.0.0/8x",
                                       "10.0.0", "::/129", "10.0.0.0/ 8", "proxy.example" };
    ip_range r;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (ip_range_parse(&r, all[i])) fail_msg("%s is taken", all[i]);
}

static void the_last_address_that_is_no_proxy_is_the_client(void **state)
{
    (void)state;
    static const struct {
        const char *list, *client;
    } all[] = {
        { "", "10.0.0.1" },
        { "192.0.2.7", "192.0.2.7" },
        { "203.0.113.9, 192.0.2.7", "192.0.2.7" },
        { "203.0.113.9,192.0.2.7 , 10.0.0.2", "192.0.2.7" },
        { "10.0.0.3, 10.0.0.2", "10.0.0.3" },
        { "192.0.2.7:4711", "192.0.2.7" },
        { "2001:db8::1", "2001:db8::1" },
        { "[2001:db8::1]:443", "2001:db8::1" },
        { "unknown", "10.0.0.1" },
        { "192.0.2.7, unknown", "10.0.0.1" },
        { "unknown, 192.0.2.7", "192.0.2.7" },
        { "192.0.2.7,", "10.0.0.1" },
        { "[2001:db8::1", "10.0.0.1" },
        { "192.0.2.7, 10.0.0.2, evil\r\nx", "10.0.0.1" },
    };
    ip_range trusted;
    assert_true(ip_range_parse(&trusted, "10.0.0.0/8"));
    const struct in6_addr peer = address("10.0.0.1");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct in6_addr got, want = address(all[i].client);
        forwarded_client(&got, &peer, all[i].list, strlen(all[i].list), &trusted, 1);
        if (memcmp(&got, &want, sizeof got) != 0) fail_msg("'%s' is not from %s", all[i].list, all[i].client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_have_what_is_in_them),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(the_last_address_that_is_no_proxy_is_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
