/* Tests of single configuration values, for the column `check` of the key table. Each fills the
 * error with what the user reads: what is wrong, and what would be right. */
#ifndef KEYCHECK_H
#define KEYCHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

bool keycheck_sender(const char *text, struct error *err);   /* an address, a bare name, a glob */
bool keycheck_address(const char *text, struct error *err);  /* name@example.com */
bool keycheck_served(const char *text, struct error *err);   /* an item of an account's domains */
bool keycheck_domain(const char *text, struct error *err);   /* example.com or *.example.com */
bool keycheck_host(const char *text, struct error *err);     /* a name or an address, no port */
bool keycheck_word(const char *text, struct error *err);     /* anything without blanks */
bool keycheck_ip(const char *text, struct error *err);       /* IPv4 or IPv6 */
bool keycheck_absolute(const char *text, struct error *err); /* a path from the root */
bool keycheck_password_file(const char *text, struct error *err); /* that, or a credential */
bool keycheck_fingerprint(const char *text, struct error *err);   /* SHA-256, or SHA-1 */
bool keycheck_notify(const char *text, struct error *err);        /* an item of dsn_notify */

bool keycheck_https(const char *text, struct error *err);  /* https://... */
bool keycheck_oauth(const char *text, struct error *err);  /* that, or a name */
bool keycheck_tenant(const char *text, struct error *err); /* a part of a path */

/* True if the names of accounts, providers and authorization servers may have C. */
bool keycheck_is_of_name(char c);

/* http:// with a loopback address or localhost, or https://. */
bool keycheck_redirect(const char *text, struct error *err);

bool keycheck_parameters(const char *text, struct error *err); /* of a URL, encoded */

/* The length of the http://HOST that TEXT begins with, without port and path, if HOST is a loopback
 * address or localhost; 0: it is not. */
size_t keycheck_loopback(const char *text);

#endif
