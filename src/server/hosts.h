/* hosts.h - under which names a server answers to those who show no key.
 *
 * A page of another site can make its own name mean this machine (DNS rebinding); its scripts then read every answer, for
 * to the browser both are one site. Such a request has the page's name in its header Host. Names that nobody can own are
 * taken: addresses, localhost, names below .localhost (RFC 6761), .local (RFC 6762) and .internal (reserved by ICANN), the
 * machine's own, and those that the server was told. */
#ifndef SUMI_SERVER_HOSTS_H
#define SUMI_SERVER_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct host_rules {
    const char *const *allowed; /* [n_allowed]: "chat.example", ".example" (all below it and itself), "*" (all) */
    int n_allowed;
    const char *listen; /* the address or name that the server was told to listen on */
    char machine[256];  /* the machine's own name; "": unknown */
} host_rules;

/* listen and allowed must outlive r. */
void host_rules_init(host_rules *r, const char *listen, const char *const *allowed, int n_allowed);

/* host [n]: "name", "name:8080", "[::1]:8080". The empty one, which says nothing, is fine. */
bool host_is_allowed(const host_rules *r, const char *host, size_t n);

#endif
