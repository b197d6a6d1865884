/* access.c - checks the key of a request, in the header Authorization: Bearer KEY or X-Api-Key: KEY. */
#include <string.h>
#include <strings.h>

#include "server/http/http.h"

static const char *sent_key(struct MHD_Connection *conn)
{
    const char *bearer = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (bearer && !strncasecmp(bearer, "Bearer ", 7)) {
        bearer += 7;
        while (*bearer == ' ') bearer++;
        return bearer;
    }
    return MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "X-Api-Key");
}

bool access_check(exchange *x, api_error *e)
{
    bool is_status = x->route->access == ROUTE_STATUS;
    if (!x->keys || x->route->access == ROUTE_OPEN || (is_status && x->server->opts.metrics_open)) return true;
    const char *key = sent_key(x->conn);
    if (!key || !*key)
        return api_fail(e, 401, "missing_api_key", NULL,
                        "an API key is needed: send the header 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'");
    x->key = keys_find(x->keys, key);
    if (!x->key) return api_fail(e, 401, "invalid_api_key", NULL, "this API key is not known");
    if (is_status && x->key->api_only)
        return api_fail(e, 403, "permission_denied", NULL,
                        "this API key may not use /metrics, /stats, /slots and /version");
    return !x->key->status_only || is_status ||
           api_fail(e, 403, "permission_denied", NULL,
                    "this API key may use only /metrics, /stats, /slots and /version");
}
