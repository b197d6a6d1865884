/* test_hosts.c - names under which a server answers to those who show no key. */
#include "server/http/hosts.h"

#include <string.h>

#include "test_support.h"

static bool allowed(const host_rules *r, const char *host)
{
    return host_is_allowed(r, host, strlen(host));
}

static void names_that_nobody_can_own_are_taken(void **state)
{
    (void)state;
    static const char *const fine[] = { "",
                                        "localhost",
                                        "LocalHost:8080",
                                        "localhost.",
                                        "127.0.0.1",
                                        "127.0.0.1:8080",
                                        "192.0.2.7",
                                        "[::1]",
                                        "[::1]:8080",
                                        "[2001:db8::1]:80",
                                        "a.localhost:1",
                                        "printer.local",
                                        "host.docker.internal:8080",
                                        "sumi.ns.svc.cluster.local",
                                        "listen.example",
                                        "machine:8080" },
                             *const others[] = { "evil.example",
                                                 "evil.example:8080",
                                                 "localhost.evil.example",
                                                 "127.0.0.1.evil.example",
                                                 "local",
                                                 ".local.evil",
                                                 "xlocalhost",
                                                 "::1",
                                                 "[evil]",
                                                 "[127.0.0.1]",
                                                 "127.1",
                                                 "machine2",
                                                 "evil.example#localhost" };
    host_rules r;
    host_rules_init(&r, "listen.example", NULL, 0);
    strcpy(r.machine, "machine");
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (!allowed(&r, fine[i])) fail_msg("%s is refused", fine[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (allowed(&r, others[i])) fail_msg("%s is taken", others[i]);
}

static void others_are_taken_if_they_were_told(void **state)
{
    (void)state;
    static const char *const names[] = { "chat.example", ".corp.example" }, *const all[] = { "*" };
    host_rules r;
    host_rules_init(&r, "127.0.0.1", names, 2);
    assert_true(allowed(&r, "Chat.Example:443"));
    assert_false(allowed(&r, "a.chat.example"));
    assert_true(allowed(&r, "corp.example"));
    assert_true(allowed(&r, "a.b.corp.example"));
    assert_false(allowed(&r, "evilcorp.example"));
    host_rules_init(&r, "127.0.0.1", all, 1);
    assert_true(allowed(&r, "evil.example"));
}

static void a_name_that_is_too_long_is_none(void **state)
{
    (void)state;
    char name[4096];
    host_rules r;
    memset(name, 'a', sizeof name);
    memcpy(name + sizeof name - 6, ".local", 6);
    host_rules_init(&r, "127.0.0.1", NULL, 0);
    assert_false(host_is_allowed(&r, name, sizeof name));
    assert_true(host_is_allowed(&r, name + sizeof name - 253, 253));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_nobody_can_own_are_taken),
        cmocka_unit_test(others_are_taken_if_they_were_told),
        cmocka_unit_test(a_name_that_is_too_long_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
