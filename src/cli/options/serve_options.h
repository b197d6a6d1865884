/* serve_options.h - the options of `sumi serve`. */
#ifndef SUMI_CLI_OPTIONS_SERVE_OPTIONS_H
#define SUMI_CLI_OPTIONS_SERVE_OPTIONS_H

#include "cli/options/options.h"
#include "cli/options/settings.h"
#include "server/server.h"

enum { MAX_ALLOWED_HOSTS = 64 };

typedef struct serve_args {
    common_options common;
    sumi_engine_opts engine;
    server_opts server;                            /* without the lists below, and the journal */
    ip_range trusted_proxies[MAX_TRUSTED_PROXIES]; /* [server.n_trusted_proxies] */
    const char *allowed_hosts[MAX_ALLOWED_HOSTS];  /* [server.n_allowed_hosts] */
    sumi_generate_opts generate;                   /* for requests that do not have these settings */
    settings settings;                             /* how it was filled */
    const char *model;
    const char *log_path; /* NULL: stderr */
    const char *new_key;  /* name of a key to make instead of serving; NULL: none */
    int64_t drain_s;
} serve_args;

extern const struct argp serve_argp;
serve_args serve_args_default(void);

#endif
