/* hosts.h - the values of the header Host that are accepted in requests without a key.
 *
 * A web page of another site can make its own host name resolve to this machine (DNS rebinding). Its scripts could then
 * read every answer, because for the browser both are one site. Such a request has the page's name in its header Host.
 * Accepted are names that nobody can own: addresses, localhost, names below .localhost (RFC 6761), .local (RFC 6762) and
 * .internal (reserved by ICANN); and the machine's own name and the names of --allowed-host. */
#ifndef SUMI_SERVER_HTTP_HOSTS_H
#define SUMI_SERVER_HTTP_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct host_rules {
    const char *const *allowed; /* [n_allowed]: "chat.example", ".example" (all below it and itself), "*" (all) */
    int n_allowed;
    const char *listen; /* the address or name that the server listens on */
    char machine[256];  /* the machine's own name; "": unknown */
} host_rules;

/* listen and allowed must outlive r. */
void host_rules_init(host_rules *r, const char *listen, const char *const *allowed, int n_allowed);

/* host [n]: "name", "name:8080", "[::1]:8080". An empty host is allowed. */
bool host_is_allowed(const host_rules *r, const char *host, size_t n);

#endif
