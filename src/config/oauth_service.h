/* Authorization servers (RFC 6749): where tokens for a provider's SMTP server come from. A row is
 * an [oauth NAME] section of etc/providers.ini or of the configuration; `oauth = https://ISSUER` is
 * a server that describes itself (RFC 8414). No client id is in any of them: each user registers
 * one.
 */
#ifndef OAUTH_SERVICE_H
#define OAUTH_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config/account.h"

/* In the order of the choices of key `oauth_grant`. */
enum oauth_grant {
    OAUTH_PERSON,             /* a person consents once: authorization code or device code */
    OAUTH_CLIENT_CREDENTIALS, /* RFC 6749, 4.4 */
    OAUTH_SERVICE_ACCOUNT,    /* RFC 7523, 2.1: an assertion signed with a key */
};

struct oauth_service {
    char *name;
    char *file; /* where it was read; "" for an issuer that an account names */
    int line;
    enum account_scope scope; /* whose: a system account is not completed from a user's section */
    struct key_set set;
    char *issuer;    /* "": the endpoints below; else they are asked of it */
    char *authorize; /* endpoints; "{tenant}" stands for the account's tenant */
    char *token;
    char *device;             /* "": no device logins */
    char *device_grant;       /* of a server older than RFC 8628; "": none */
    char *permission;         /* scope of a person's token, blanks between */
    char *machine_permission; /* scope without a person */
    char *tenant;             /* where the account has none */
    char *redirect;   /* where the browser is sent: a loopback address without a port takes any */
    char *parameters; /* of the authorization request, more than RFC 6749 has: "a=b&c=d" */
    char *trust_file; /* authorities that its certificate is checked against, "" or "system" */
};

struct oauth_services {
    struct oauth_service **item;
    size_t n;
    size_t size;
};

/* Adds a row of SCOPE_SYSTEM with every key's fallback; the list owns it. NULL, with an error, if
 * FILE has described one of that name before. */
struct oauth_service *oauth_service_add(struct oauth_services *list, const char *name,
                                        const char *file, int line, struct error *err);

/* The last one named NAME, in any case of letters, whose scope is SCOPE or a lower level's. NULL:
 * there is none. */
const struct oauth_service *oauth_service_find(const struct oauth_services *list, const char *name,
                                               enum account_scope scope);

/* What tokens for ACCOUNT, which has a service, are asked with: the account's own key, else its
 * service's row; and the word for its grant. Borrowed. */
const char *oauth_service_tenant(const struct account *account);
const char *oauth_service_scope(const struct account *account);
const char *oauth_service_grant(const struct account *account);

/* A row for a server that describes itself; NAME is its issuer. Free with oauth_service_free(). */
struct oauth_service *oauth_service_of_issuer(const char *issuer);

struct oauth_service *oauth_service_copy(const struct oauth_service *service); /* NULL: NULL */
void oauth_service_free(struct oauth_service *service);
void oauth_services_clear(struct oauth_services *list);

/* True if NAME is the URL of an issuer and not the name of a section. */
bool oauth_service_is_issuer(const char *name);

#endif
