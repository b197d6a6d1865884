/* tls.h - the server's certificate: read at the start, and again when it was renewed.
 *
 * Connections that are open, or in their handshake, go on with the certificate that they began with; so an old one is kept
 * until the end (some kilobytes each, and only if the files have changed). Protocols: TLS 1.2 and 1.3 with forward secrecy.
 * Threads: any; one lock, held while a certificate is put in the place of another. */
#ifndef SUMI_SERVER_TLS_H
#define SUMI_SERVER_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "sumi.h"

typedef struct tls tls;

/* The protocols and ciphers, as GnuTLS writes them, for MHD_OPTION_HTTPS_PRIORITIES. */
extern const char TLS_PRIORITIES[];
bool tls_check_priorities(const char *text, const char **wrong); /* *wrong: from where on text is not known */

/* Paths of PEM files, which must outlive *out. EIO: they cannot be read; EINVAL: they are no certificate (with those that
 * vouch for it behind it) and its key, or do not belong together. */
SUMI_MUST_USE sumi_status tls_create(tls **out, const char *cert_path, const char *key_path, sumi_error *err);
void tls_destroy(tls *t); /* no handshake is under way. NULL is fine */

/* Reads the files again. On failure what was there stays. *changed: they were others. */
SUMI_MUST_USE sumi_status tls_reload(tls *t, bool *changed, sumi_error *err);

/* GnuTLS asks for a certificate in the thread that serves the connection, and passes nothing of ours: the thread says which
 * certificate that is before the handshake. */
void tls_serve_this_thread(tls *t);
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *req_ca_rdn, int n_reqs,
                 const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **certs,
                 unsigned *n_certs, gnutls_privkey_t *key); /* a gnutls_certificate_retrieve_function2 */

#endif
