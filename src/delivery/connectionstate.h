/* The state of a connection, shared by its steps; for connection.c and dialer.c only. */
#ifndef CONNECTIONSTATE_H
#define CONNECTIONSTATE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/module.h"
#include "base/sasl.h"
#include "base/str.h"
#include "net/stream.h"
#include "net/tlsa.h"
#include "smtp/session.h"
#include "delivery/connection.h"

struct connection {
    const struct account *account;
    const struct connection_options *options;
    const char *host;
    struct str address; /* of the last stream */
    int64_t setup;      /* milliseconds from connection_open() to its return */
    struct str hello;
    struct str password;
    struct sasl_login login;
    struct session_params params;
    struct session *session;
    const struct module *module; /* NULL for an account without TLS */
    struct tlsa tlsa;            /* of the host, with tls_dane */
    struct stream *tls;          /* of the session, which owns it; NULL without TLS */
    bool bdat_refused;
};

/* Calls the options' step(), if there is one: STEP has succeeded, or failed with ERR. */
void connection_report_step(struct connection *c, const char *step, const char *detail,
                            const struct error *err);

/* Judges ERR (verdict.h). It answers COMMAND, unless the function that noticed it has named
 * another. Returns false. */
bool connection_failed_at(struct error *err, enum error_command command);

/* The same, and appends the setting that would mend it (remedy.h), and reports the step. */
bool connection_step_failed(struct connection *c, const char *step, const char *detail,
                            enum error_command command, struct error *err);

/* The earlier of DEADLINE, the account's own limit, and what the caller has left. */
int64_t connection_limit(const struct connection *c, int64_t deadline);

#endif
