/* The part of the program that is loaded at its first use, since most calls need none of it: TLS,
 * domain names beyond ASCII, and PBKDF2, all with GnuTLS, whose libraries cost a call 80 system
 * calls, 4 million instructions and 2 MB. net/tlsmodule.c fills the table; what is linked with that
 * has it without loading anything, as the tests have. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/binding.h"
#include "base/error.h"
#include "base/str.h"

struct stream;
struct tls_params;
struct tlsserver;
struct tlsserver_params;
struct tlsserver_peer;

/* PBKDF2 (RFC 8018, 5.2) with HMAC, as SCRAM has it (RFC 5802, 2.2: Hi). */
struct password_salting {
    bool sha256; /* else SHA-1 */
    const struct str *password, *salt;
    unsigned iterations;
};

struct module {
    const char *version; /* of the program that it belongs to */
    /* net/tls.h: tls_start(), tls_describe(), tls_channel_binding() */
    struct stream *(*tls_start)(struct stream *inner, const struct tls_params *params,
                                int64_t deadline, struct error *err);
    void (*tls_describe)(struct stream *stream, struct str *out);
    void (*tls_channel_binding)(struct stream *stream, struct binding *binding);
    /* The same, and net/tlsserver.h: a server's side */
    struct stream *(*tls_accept)(struct stream *inner, const struct tlsserver *server,
                                 int64_t deadline, struct error *err);
    void (*tls_peer)(struct stream *stream, struct tlsserver_peer *peer);
    struct tlsserver *(*tlsserver_load)(const struct tlsserver_params *params, struct error *err);
    void (*tlsserver_free)(struct tlsserver *server);
    /* Appends the A-labels of DOMAIN; see idna_to_alabels(). */
    bool (*to_alabels)(struct str *out, const char *domain);
    /* net/tls.h: tls_certificates_end() */
    bool (*certificates_end)(const char *file, bool authorities, int64_t *end, struct error *err);
    /* Appends the salted password, as long as the hash. */
    bool (*salt_password)(const struct password_salting *how, struct str *out);
};

/* The module's file name: defined next to main(), and needed where the module is not linked in. */
const char *module_file(void) __attribute__((weak));

/* The module, which stays until the process ends; the first call loads it. NULL if that fails:
 * account failure, temporary, EX_OSFILE, as long as the installation is incomplete or another
 * version's. */
const struct module *module_get(struct error *err);

#endif
