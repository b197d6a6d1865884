/* listen.c - makes the socket on which the server listens. MHD could make it, too, but would not report why it fails. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "server/server_internal.h"

enum { BACKLOG = 511 };

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static int port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0) return 0;
    if (a.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)(void *)&a)->sin_port);
    return ntohs(((struct sockaddr_in6 *)(void *)&a)->sin6_port);
}

sumi_status listen_on(const char *host, int port, int *fd, int *got_port, bool *loopback, sumi_error *err)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM },
                    *a;
    char service[16];
    int on = 1;
    *fd = -1;
    if (!strcmp(host, "localhost")) host = "127.0.0.1";
    snprintf(service, sizeof service, "%d", port);
    int failed = getaddrinfo(host, service, &hints, &a);
    if (failed == EAI_MEMORY) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", host);
    if (failed) return sumi_fail(err, SUMI_EINVAL, "%s: not an address such as 127.0.0.1, 0.0.0.0 or ::1", host);
    *loopback = is_loopback(a->ai_addr);
    *fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = *fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
              bind(*fd, a->ai_addr, a->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0;
    int why = errno;
    freeaddrinfo(a);
    if (ok) {
        *got_port = port_of(*fd);
        return SUMI_OK;
    }
    if (*fd >= 0) close(*fd);
    *fd = -1;
    return sumi_fail(err, SUMI_EIO, "listening on %s, port %d: %s", host, port, strerror(why));
}
