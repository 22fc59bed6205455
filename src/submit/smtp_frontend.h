/* Mail that comes in an SMTP dialogue: each message of it is sent as one from the
 * command line, and the reply says what would have been the exit status. */
#ifndef SMTP_FRONTEND_H
#define SMTP_FRONTEND_H

#include "smtpd/server.h"
#include "submit/network_client.h"
#include "submit/send_context.h"

struct smtp_frontend {
    struct send_context *s; /* begun */
    const char *extension;
    uint64_t size_max;
    int64_t timeout, total; /* as in struct server_params */
    bool lenient;
    struct network_client *network; /* NULL: a client of this machine */
    /* Asked before each message: false refuses it with REPLY. May be NULL. */
    bool (*admit)(void *context, struct server_reply *reply);
    /* See struct server_handler. May be NULL. */
    void (*wait)(void *context, bool idle);
    void *context;

    struct submission_wishes wishes; /* the rest is private */
    char *account, *full_name;
    enum {
        SMTP_FRONTEND_SENDER_NAMED,
        SMTP_FRONTEND_SENDER_NONE,
        SMTP_FRONTEND_SENDER_OF_HEADER
    } sender;
    int mode;        /* delivery_mode, -1 unless it was asked for */
    bool wants_code; /* the client knows our extension: a refusal has the exit status */
};

/* What the extension is called in the reply to EHLO, and its parameters of MAIL. */
#define SMTP_FRONTEND_EXTENSION "XONEHOP"
#define SMTP_FRONTEND_ACCOUNT "XACCOUNT" /* -a */
#define SMTP_FRONTEND_NAME "XNAME"       /* -F */
#define SMTP_FRONTEND_SENDER "XSENDER"   /* NAMED: -f, in MAIL; NONE; HEADER: its From */
#define SMTP_FRONTEND_MODE "XMODE"       /* a value of delivery_mode */

/* The first line of a refusal, for a client that knows our parameters: this and the exit status.
 * The second is the error, those after it are the provider's reply. */
#define SMTP_FRONTEND_STATUS "exit status "

/* The line after "Queued as", for the same client: the account's failure that a person must mend,
 * which the first try met. */
#define SMTP_FRONTEND_WARNING "warning: "

enum { SMTP_FRONTEND_LOGIN_TOTAL = 120 * 1000 }; /* milliseconds until a login */

/* Serves *STREAM, as server_run() does. True if the client ended the dialogue. */
bool smtp_frontend_run(struct smtp_frontend *frontend, struct stream **stream);

#endif
