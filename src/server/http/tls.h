/* tls.h - the server's certificate: read at the start, and again after it was renewed.
 *
 * Open connections, and connections in their handshake, keep the certificate that they started with. So an old certificate
 * is kept until the server ends (some kilobytes each, and only if the files have changed). Protocols: TLS 1.2 and 1.3 with
 * forward secrecy. Threads: any; one lock, held while a certificate replaces another. */
#ifndef SUMI_SERVER_HTTP_TLS_H
#define SUMI_SERVER_HTTP_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "sumi.h"

typedef struct tls tls;

/* The protocols and ciphers, in the notation of GnuTLS, for MHD_OPTION_HTTPS_PRIORITIES. */
extern const char TLS_PRIORITIES[];
bool tls_check_priorities(const char *text, const char **wrong); /* *wrong: the first unknown part of text */

/* Paths of PEM files, which must outlive *out. EIO: they cannot be read; EINVAL: they are not a certificate (followed by
 * its chain) and a key, or do not belong together. */
SUMI_MUST_USE sumi_status tls_create(tls **out, const char *cert_path, const char *key_path, sumi_error *err);
void tls_destroy(tls *t); /* no handshake is under way. NULL is fine */

/* Reads the files again. On failure the old certificate stays. *changed: the files have changed. */
SUMI_MUST_USE sumi_status tls_reload(tls *t, bool *changed, sumi_error *err);

/* GnuTLS requests a certificate on the thread that serves the connection, without a user pointer. So the thread sets the
 * certificate before the handshake. */
void tls_serve_this_thread(tls *t);
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *req_ca_rdn, int n_reqs,
                 const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **certs, unsigned *n_certs,
                 gnutls_privkey_t *key); /* a gnutls_certificate_retrieve_function2 */

#endif
