/* forwarded.c - see forwarded.h. */
#include "server/http/forwarded.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { V4_BITS = 96 }; /* before the address in ::ffff:a.b.c.d */

static bool parse(struct in6_addr *out, const char *text)
{
    if (inet_pton(AF_INET6, text, out) == 1) return true;
    *out = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
    return inet_pton(AF_INET, text, out->s6_addr + 12) == 1;
}

bool ip_range_parse(ip_range *r, const char *text)
{
    char address[INET6_ADDRSTRLEN + 1] = "", *end;
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    if (n >= sizeof address) return false;
    memcpy(address, text, n);
    if (!parse(&r->address, address)) return false;
    bool v4 = !strchr(address, ':');
    long most = v4 ? 32 : 128, bits = most;
    if (slash) {
        if (slash[1] < '0' || slash[1] > '9') return false;
        bits = strtol(slash + 1, &end, 10);
        if (*end || bits > most) return false;
    }
    r->bits = (int)bits + (v4 ? V4_BITS : 0);
    return true;
}

bool ip_range_has(const ip_range *ranges, int n, const struct in6_addr *address)
{
    for (int i = 0; i < n; i++) {
        const ip_range *r = &ranges[i];
        size_t bytes = (size_t)r->bits / 8;
        int rest = r->bits % 8;
        if (memcmp(r->address.s6_addr, address->s6_addr, bytes) != 0) continue;
        if (!rest || (r->address.s6_addr[bytes] ^ address->s6_addr[bytes]) >> (8 - rest) == 0) return true;
    }
    return false;
}

bool ip_of_socket(struct in6_addr *out, const struct sockaddr *a)
{
    if (!a || (a->sa_family != AF_INET && a->sa_family != AF_INET6)) return false;
    if (a->sa_family == AF_INET6) {
        *out = ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
        return true;
    }
    *out = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
    memcpy(out->s6_addr + 12, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
    return true;
}

/* One address of the list: "192.0.2.7", "192.0.2.7:4711", "2001:db8::1", "[2001:db8::1]:4711". */
static bool parse_entry(struct in6_addr *out, const char *text, size_t n)
{
    char address[INET6_ADDRSTRLEN + 1] = "";
    const char *colon = memchr(text, ':', n);
    if (n > 0 && *text == '[') {
        const char *end = memchr(text, ']', n);
        if (!end) return false;
        text++;
        n = (size_t)(end - text);
    } else if (colon && memchr(text, '.', (size_t)(colon - text))) {
        n = (size_t)(colon - text);
    }
    if (n >= sizeof address) return false;
    memcpy(address, text, n);
    return parse(out, address);
}

void forwarded_client(struct in6_addr *client, const struct in6_addr *peer, const char *list, size_t n,
                      const ip_range *trusted, int n_trusted)
{
    *client = *peer;
    for (size_t end = n; end > 0 && ip_range_has(trusted, n_trusted, client);) {
        struct in6_addr next;
        size_t start = end, stop = end;
        while (start > 0 && list[start - 1] != ',') start--;
        end = start > 0 ? start - 1 : 0;
        while (start < stop && (list[start] == ' ' || list[start] == '\t')) start++;
        while (stop > start && (list[stop - 1] == ' ' || list[stop - 1] == '\t')) stop--;
        if (!parse_entry(&next, list + start, stop - start)) return;
        *client = next;
    }
}
