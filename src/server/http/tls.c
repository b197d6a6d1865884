/* tls.c - see tls.h. */
#include "server/http/tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "server/ops/secret_file.h"

const char TLS_PRIORITIES[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA";

enum { MAX_PEM_BYTES = 1 << 20, MAX_CHAIN = 16 };

/* One certificate and its key, which never change. */
typedef struct identity {
    struct identity *older;
    buf cert_pem, key_pem; /* as they were read */
    gnutls_pcert_st certs[MAX_CHAIN];
    unsigned n_certs;
    gnutls_privkey_t key;
} identity;

struct tls {
    const char *cert_path, *key_path;
    pthread_mutex_t lock;
    identity *now; /* under lock */
};

static _Thread_local tls *served;

static void free_identity(identity *i)
{
    if (!i) return;
    for (unsigned k = 0; k < i->n_certs; k++) gnutls_pcert_deinit(&i->certs[k]);
    if (i->key) gnutls_privkey_deinit(i->key);
    if (i->key_pem.data) explicit_bzero(i->key_pem.data, i->key_pem.n);
    buf_deinit(&i->cert_pem);
    buf_deinit(&i->key_pem);
    free(i);
}

static gnutls_datum_t datum(const buf *b)
{
    return (gnutls_datum_t){ (unsigned char *)b->data, (unsigned)b->n };
}

/* The first certificate is of this key. */
static bool belong_together(identity *i)
{
    unsigned char a[64], b[64];
    size_t n_a = sizeof a, n_b = sizeof b;
    gnutls_pubkey_t public;
    if (gnutls_pubkey_init(&public) != 0) return false;
    bool ok = gnutls_pubkey_import_privkey(public, i->key, 0, 0) == 0 &&
              gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, a, &n_a) == 0 &&
              gnutls_pubkey_get_key_id(i->certs[0].pubkey, GNUTLS_KEYID_USE_SHA256, b, &n_b) == 0 && n_a == n_b &&
              !memcmp(a, b, n_a);
    gnutls_pubkey_deinit(public);
    return ok;
}

static sumi_status parse(const tls *t, identity *i, sumi_error *err)
{
    gnutls_datum_t cert = datum(&i->cert_pem), key = datum(&i->key_pem);
    unsigned n = MAX_CHAIN;
    int why = gnutls_pcert_list_import_x509_raw(i->certs, &n, &cert, GNUTLS_X509_FMT_PEM, 0);
    if (why < 0 || n == 0)
        return sumi_fail(err, SUMI_EINVAL, "%s: no certificate in PEM: %s", t->cert_path, gnutls_strerror(why));
    i->n_certs = n;
    why = gnutls_privkey_init(&i->key);
    if (why == 0) why = gnutls_privkey_import_x509_raw(i->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (why < 0) return sumi_fail(err, SUMI_EINVAL, "%s: no private key in PEM: %s", t->key_path, gnutls_strerror(why));
    if (belong_together(i)) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "%s: it is not the key of the certificate %s", t->key_path, t->cert_path);
}

static sumi_status read_identity(const tls *t, identity **out, sumi_error *err)
{
    identity *i = calloc(1, sizeof *i);
    *out = NULL;
    if (!i) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    buf_init(&i->cert_pem, MAX_PEM_BYTES);
    buf_init(&i->key_pem, MAX_PEM_BYTES);
    sumi_status st = secret_file_read(&i->cert_pem, t->cert_path, err);
    if (st == SUMI_OK) st = secret_file_read(&i->key_pem, t->key_path, err);
    if (st == SUMI_OK) st = parse(t, i, err);
    if (st == SUMI_OK) *out = i;
    else free_identity(i);
    return st;
}

sumi_status tls_create(tls **out, const char *cert_path, const char *key_path, sumi_error *err)
{
    tls *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    t->cert_path = cert_path;
    t->key_path = key_path;
    pthread_mutex_init(&t->lock, NULL);
    sumi_status st = read_identity(t, &t->now, err);
    if (st == SUMI_OK) *out = t;
    else tls_destroy(t);
    return st;
}

void tls_destroy(tls *t)
{
    if (!t) return;
    for (identity *i = t->now, *older; i; i = older) {
        older = i->older;
        free_identity(i);
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static bool equal(const buf *a, const buf *b)
{
    return a->n == b->n && !memcmp(a->data, b->data, a->n);
}

sumi_status tls_reload(tls *t, bool *changed, sumi_error *err)
{
    identity *fresh;
    *changed = false;
    sumi_status st = read_identity(t, &fresh, err);
    if (st != SUMI_OK) return st;
    pthread_mutex_lock(&t->lock);
    *changed = !equal(&fresh->cert_pem, &t->now->cert_pem) || !equal(&fresh->key_pem, &t->now->key_pem);
    if (*changed) {
        fresh->older = t->now;
        t->now = fresh;
    }
    pthread_mutex_unlock(&t->lock);
    if (!*changed) free_identity(fresh);
    return SUMI_OK;
}

void tls_serve_this_thread(tls *t)
{
    served = t;
}

int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *req_ca_rdn, int n_reqs,
                 const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **certs, unsigned *n_certs,
                 gnutls_privkey_t *key)
{
    tls *t = served;
    (void)session, (void)req_ca_rdn, (void)n_reqs, (void)algorithms, (void)n_algorithms;
    if (!t) return -1;
    pthread_mutex_lock(&t->lock);
    identity *i = t->now;
    pthread_mutex_unlock(&t->lock);
    *certs = i->certs;
    *n_certs = i->n_certs;
    *key = i->key;
    return 0;
}

bool tls_check_priorities(const char *text, const char **wrong)
{
    gnutls_priority_t priorities;
    int why = gnutls_priority_init(&priorities, text, wrong);
    if (why == 0) gnutls_priority_deinit(priorities);
    return why == 0;
}
