/* What the parts of one call that sends a message share. */
#ifndef SENDING_H
#define SENDING_H

#include <stdio.h>

#include "config/thishost.h"
#include "delivery/connection.h"
#include "delivery/submission.h"
#include "delivery/verdict.h"
#include "cli/caller.h"
#include "cli/invocation.h"

struct sending {
    const struct invocation *call;
    const struct paths *paths;
    struct caller_storage storage;
    struct caller caller;
    struct this_host host;
    struct configuration config;
    struct source source;
    struct submission submission;
    struct password_sources passwords;
    struct connection_options options;
    FILE *dialogue; /* where -v goes */
};

/* Fills S for a call; nothing in it may move afterwards. */
void sending_begin(struct sending *s, const struct invocation *call, const struct paths *paths);

/* Completes passwords and options for the account that was chosen. */
void sending_prepare_connection(struct sending *s);

/* Tells an error in msmtp's shape, with the account it happened with. Returns CODE. */
int sending_report(const struct sending *s, const struct error *err, int code);

/* Tells what became of an attempt that did not reach everybody. FAILURE is what ended it as a
 * whole, or NULL. ERR becomes what the log should say. */
void sending_report_attempt(const struct sending *s, const struct outcome *outcomes,
                            const struct verdict *verdict, const struct error *failure,
                            struct error *err);

void sending_clear(struct sending *s);

#endif
