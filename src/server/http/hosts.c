/* hosts.c - see hosts.h. */
#include "server/http/hosts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_NAME = 253 }; /* RFC 1035 */

void host_rules_init(host_rules *r, const char *listen, const char *const *allowed, int n_allowed)
{
    *r = (host_rules){ .allowed = allowed, .n_allowed = n_allowed, .listen = listen };
    if (gethostname(r->machine, sizeof r->machine - 1) != 0) r->machine[0] = '\0';
}

/* The name without its port, brackets and final dot. False: it is longer than names are. */
static bool take_name(const char *host, size_t n, char name[MAX_NAME + 1], bool *brackets)
{
    *brackets = n > 0 && host[0] == '[';
    const char *end = memchr(host, *brackets ? ']' : ':', n);
    size_t length = end ? (size_t)(end - host) : n;
    if (*brackets) {
        host++;
        length--;
    }
    if (length > 0 && host[length - 1] == '.') length--;
    if (length > MAX_NAME) return false;
    memcpy(name, host, length);
    name[length] = '\0';
    return true;
}

/* name is below the domain, ".local", or, under itself, the domain without its dot. */
static bool is_below(const char *name, const char *domain, bool itself)
{
    size_t n = strlen(name), n_domain = strlen(domain);
    if (itself && !strcasecmp(name, domain + 1)) return true;
    return n > n_domain && !strcasecmp(name + n - n_domain, domain);
}

static bool is_address(const char *name, bool brackets)
{
    struct in6_addr address;
    return inet_pton(brackets ? AF_INET6 : AF_INET, name, &address) == 1;
}

bool host_is_allowed(const host_rules *r, const char *host, size_t n)
{
    static const char *const reserved[] = { ".localhost", ".local", ".internal" };
    char name[MAX_NAME + 1];
    bool brackets;
    if (!take_name(host, n, name, &brackets)) return false;
    if (n == 0 || is_address(name, brackets) || !strcasecmp(name, r->listen)) return true;
    if (!strcasecmp(name, "localhost") || (r->machine[0] && !strcasecmp(name, r->machine))) return true;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (is_below(name, reserved[i], false)) return true;
    for (int i = 0; i < r->n_allowed; i++) {
        const char *rule = r->allowed[i];
        if (!strcmp(rule, "*") || !strcasecmp(name, rule) || (*rule == '.' && is_below(name, rule, true))) return true;
    }
    return false;
}
