/* test_conns.c - open connections: who is late is told and cut, who is one too many is known. */
#include "server/http/conns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "test_support.h"

enum { SOON_MS = 20, NEVER_MS = 3600 * 1000 };

static conns *create(conns_limits limits)
{
    conns *c;
    sumi_error err;
    if (conns_create(&c, &limits, &err) != SUMI_OK) fail_msg("%s", err.message);
    return c;
}

typedef struct pair {
    int ours, theirs;
    connection *k;
} pair;

static pair open_pair(conns *c, const struct sockaddr *address)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return (pair){ fds[0], fds[1], conns_open(c, fds[0], address) };
}

static void close_pair(conns *c, pair *p)
{
    conns_close(c, p->k);
    close(p->ours);
    close(p->theirs);
}

/* Waits for the timer, as the watch does, until a connection was cut. */
static void wait_for_a_cut(conns *c)
{
    conns_counts counts = { 0 };
    while (counts.n_cut == 0) {
        struct pollfd timer = { .fd = conns_timer(c), .events = POLLIN };
        assert_int_equal(poll(&timer, 1, 60000), 1);
        conns_cut_late(c);
        conns_get_counts(c, &counts);
    }
}

static void headers_that_do_not_end_are_cut_with_a_408(void **state)
{
    (void)state;
    conns *c = create((conns_limits){ .headers_ms = SOON_MS, .body_ms = NEVER_MS, .idle_ms = NEVER_MS });
    pair slow = open_pair(c, NULL), quick = open_pair(c, NULL);
    conn_phase phase;
    char text[512] = "";
    assert_true(conns_enter(c, quick.k, CONN_BODY));
    wait_for_a_cut(c);
    assert_true(conns_was_cut(c, slow.k, &phase));
    assert_int_equal(phase, CONN_HEADERS);
    ssize_t n = read(slow.theirs, text, sizeof text - 1);
    assert_true(n > 0);
    assert_memory_equal(text, "HTTP/1.1 408 ", 13);
    assert_int_equal(read(slow.theirs, text, sizeof text), 0); /* and closed */
    assert_false(conns_enter(c, slow.k, CONN_BODY));           /* what comes after is not served */
    assert_false(conns_was_cut(c, quick.k, &phase));
    close_pair(c, &slow);
    close_pair(c, &quick);
    conns_destroy(c);
}

static void a_body_has_a_limit_of_its_own_and_an_answer_none(void **state)
{
    (void)state;
    conns *c = create((conns_limits){ .headers_ms = NEVER_MS, .body_ms = SOON_MS, .idle_ms = NEVER_MS });
    pair fine = open_pair(c, NULL), answered = open_pair(c, NULL), kept = open_pair(c, NULL), slow = open_pair(c, NULL);
    conn_phase phase;
    assert_true(conns_enter(c, answered.k, CONN_BODY));
    assert_true(conns_enter(c, answered.k, CONN_ANSWER));
    assert_true(conns_enter(c, kept.k, CONN_IDLE));
    assert_true(conns_enter(c, slow.k, CONN_BODY));
    wait_for_a_cut(c);
    assert_true(conns_was_cut(c, slow.k, &phase));
    assert_int_equal(phase, CONN_BODY);
    assert_false(conns_was_cut(c, fine.k, &phase) || conns_was_cut(c, answered.k, &phase) ||
                 conns_was_cut(c, kept.k, &phase));
    close_pair(c, &fine);
    close_pair(c, &answered);
    close_pair(c, &kept);
    close_pair(c, &slow);
    conns_destroy(c);
}

static void over_tls_nothing_is_said(void **state)
{
    (void)state;
    conns *c = create((conns_limits){ .headers_ms = SOON_MS, .tls = true });
    pair slow = open_pair(c, NULL);
    char text[16];
    wait_for_a_cut(c);
    assert_int_equal(read(slow.theirs, text, sizeof text), 0);
    close_pair(c, &slow);
    conns_destroy(c);
}

static void beyond_the_limit_some_are_let_in_to_be_refused(void **state)
{
    (void)state;
    conns *c = create((conns_limits){ .max = 2 });
    pair all[2 + CONNS_RESERVE + 1];
    conns_counts counts;
    for (int i = 0; i < 2 + CONNS_RESERVE + 1; i++) {
        all[i] = open_pair(c, NULL);
        if (i < 2) assert_int_equal(all[i].k->verdict, CONN_WELCOME);
        else if (i < 2 + CONNS_RESERVE) assert_int_equal(all[i].k->verdict, CONN_TOO_MANY);
        else assert_null(all[i].k); /* and shut down */
    }
    char text[16];
    assert_int_equal(read(all[2 + CONNS_RESERVE].theirs, text, sizeof text), 0);
    conns_get_counts(c, &counts);
    assert_int_equal(counts.n_open, 2 + CONNS_RESERVE);
    assert_int_equal(counts.n_refused, CONNS_RESERVE + 1);
    close_pair(c, &all[0]);
    all[0] = open_pair(c, NULL);
    assert_int_equal(all[0].k->verdict, CONN_WELCOME);
    for (int i = 0; i < 2 + CONNS_RESERVE + 1; i++) close_pair(c, &all[i]);
    conns_destroy(c);
}

static connection *from(conns *c, pair *p, const char *address)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    if (strchr(address, ':')) {
        assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
        *p = open_pair(c, (const void *)&v6);
    } else {
        assert_int_equal(inet_pton(AF_INET, address, &v4.sin_addr), 1);
        *p = open_pair(c, (const void *)&v4);
    }
    return p->k;
}

static void an_address_is_one_of_ipv4_or_a_network_of_ipv6(void **state)
{
    (void)state;
    static const struct {
        const char *address, *name;
        conn_verdict verdict;
    } all[] = {
        { "192.0.2.1", "192.0.2.1", CONN_WELCOME },
        { "192.0.2.2", "192.0.2.2", CONN_WELCOME },
        { "::ffff:192.0.2.1", "192.0.2.1", CONN_TOO_MANY_OF_ADDRESS },
        { "::ffff:192.0.2.9", "192.0.2.9", CONN_WELCOME },
        { "2001:db8:1::1", "2001:db8:1::1", CONN_WELCOME },
        { "2001:db8:1::2", "2001:db8:1::2", CONN_TOO_MANY_OF_ADDRESS },
        { "2001:db8:1:1::1", "2001:db8:1:1::1", CONN_WELCOME },
    };
    enum { N = sizeof all / sizeof *all };
    conns *c = create((conns_limits){ .max_address = 1 });
    pair pairs[N];
    char clients[N][CONN_MAX_CLIENT];
    for (int i = 0; i < N; i++) {
        connection *k = from(c, &pairs[i], all[i].address);
        assert_string_equal(k->name, all[i].name);
        if (k->verdict != all[i].verdict) fail_msg("%s", all[i].address);
        conns_client(c, k, clients[i]);
    }
    for (int i = 0; i < N; i++)
        for (int n = 0; n < i; n++) {
            bool one = (n == 0 && i == 2) || (n == 4 && i == 5);
            if (!strcmp(clients[n], clients[i]) != one) fail_msg("%s, %s", all[n].address, all[i].address);
        }
    for (int i = 0; i < N; i++) close_pair(c, &pairs[i]);
    conns_destroy(c);
}

static void a_proxy_is_not_one_address(void **state)
{
    (void)state;
    ip_range trusted;
    assert_true(ip_range_parse(&trusted, "10.0.0.0/8"));
    conns *c = create((conns_limits){ .max_address = 1, .trusted = &trusted, .n_trusted = 1 });
    pair pairs[3];
    connection *k[3];
    struct in6_addr ann = { .s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7 } }, bob = ann;
    bob.s6_addr[15] = 8;
    for (int i = 0; i < 3; i++) {
        k[i] = from(c, &pairs[i], "10.0.0.1");
        assert_int_equal(k[i]->verdict, CONN_WELCOME);
    }
    assert_true(conns_serve(c, k[0], &ann));
    assert_string_equal(k[0]->name, "192.0.2.7");
    assert_false(conns_serve(c, k[1], &ann)); /* one at once */
    assert_true(conns_serve(c, k[1], &bob));
    assert_true(conns_serve(c, k[2], &k[2]->peer)); /* the proxy itself */
    assert_true(conns_serve(c, k[0], NULL));
    assert_string_equal(k[0]->name, "10.0.0.1"); /* of nobody's request: what follows may be another client's */
    assert_true(conns_serve(c, k[2], &ann));
    for (int i = 0; i < 3; i++) close_pair(c, &pairs[i]);
    conns_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_do_not_end_are_cut_with_a_408),
        cmocka_unit_test(a_body_has_a_limit_of_its_own_and_an_answer_none),
        cmocka_unit_test(over_tls_nothing_is_said),
        cmocka_unit_test(beyond_the_limit_some_are_let_in_to_be_refused),
        cmocka_unit_test(an_address_is_one_of_ipv4_or_a_network_of_ipv6),
        cmocka_unit_test(a_proxy_is_not_one_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
