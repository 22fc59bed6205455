/* --configure=ADDRESS: a configuration to begin with; and what is known of a domain's server. */
#ifndef CONFIGURE_H
#define CONFIGURE_H

#include "config/provider.h"
#include "config/site.h"
#include "net/srv.h"
#include "cli/invocation.h"

struct submission_server {
    const char *origin;   /* where it is from, for the reader */
    const char *provider; /* the name in the table of providers, or NULL */
    const char *host, *note;
    unsigned port;
    int auth;
    bool starttls;
    bool whole_user;          /* the login is the address, not only what is before its @ */
    struct srv_record record; /* host may point into it */
};

/* The server that takes mail of DOMAIN: out of TABLE, else from the SRV records of RFC 6186 and RFC
 * 8314. False if nothing is known. What FOUND points to lives as long as TABLE and FOUND. */
bool configure_find(const struct provider_table *table, const char *domain,
                    struct submission_server *found);

/* True if the host of FOUND is in DOMAIN. */
bool configure_belongs(const struct submission_server *found, const char *domain);

/* Prints an account for call->configure, from the table of providers, else from the SRV records of
 * its domain: as INI, or for the name msmtp as msmtprc. EX_DATAERR where that is no address,
 * EX_NOHOST where nothing is known. */
int configure_run(const struct invocation *call, struct site *site);

#endif
