/* forwarded.h - finds the client behind a proxy: addresses, trusted proxies, and the header X-Forwarded-For.
 *
 *   X-Forwarded-For: 203.0.113.9, 192.0.2.7, 10.0.0.2      each proxy appends the address of its peer, so the list is read
 *                    untrusted     client     a proxy       from the end: the first address that is no trusted proxy is
 *                                                          the client's */
#ifndef SUMI_SERVER_HTTP_FORWARDED_H
#define SUMI_SERVER_HTTP_FORWARDED_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

typedef struct ip_range {
    struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d */
    int bits;                /* length of the prefix, 0 .. 128 */
} ip_range;

enum { MAX_TRUSTED_PROXIES = 64 };

/* Parses "10.0.0.0/8", "192.0.2.1", "2001:db8::/32". False: text is not a range. */
bool ip_range_parse(ip_range *r, const char *text);
bool ip_range_has(const ip_range *ranges, int n, const struct in6_addr *address);

/* The address of a; IPv4 as ::ffff:a.b.c.d. False: a is of another address family. */
bool ip_of_socket(struct in6_addr *out, const struct sockaddr *a);

/* The client of a request that came from *peer, a trusted proxy, with the list [n] of addresses (with or without ports).
 * The result is *peer if the list has no address, or if it ends before a client is found. */
void forwarded_client(struct in6_addr *client, const struct in6_addr *peer, const char *list, size_t n,
                      const ip_range *trusted, int n_trusted);

#endif
