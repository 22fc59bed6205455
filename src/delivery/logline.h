/* The line that is logged for every call, in msmtp's form, so that what reads msmtp's log reads
 * ours. */
#ifndef LOGLINE_H
#define LOGLINE_H

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "message/content.h"
#include "message/envelope.h"
#include "message/header.h"
#include "config/account.h"
#include "config/caller.h"
#include "queue/journal.h"
#include "delivery/delivery.h"

enum { LOGLINE_RECIPIENTS_MAX = 4096 }; /* octets of recipients; the rest is counted */

struct logline {
    const struct account *account; /* NULL if none was chosen */
    const char *host;              /* that the last session was with; "" for the account's first */
    const struct envelope *envelope; /* NULL if there was none yet */
    const struct content *content;   /* of the message, NULL if there is none yet */
    const struct header *header;     /* of a message without content, or NULL */
    const char *accepted;            /* the reply to the content of mail that was sent, its lines
                                        separated by '\n'; NULL if none was */
    const struct error *error;       /* NULL for none */
    const char *queue_id;            /* of the entry, "" if there is none */
    const char *message_id;          /* see logline_message_id(); report_log() sets it */
    int code;                        /* exit status */
    /* For the lines that have one recipient each (logresult.h): */
    const struct attempt *attempt; /* on it; NULL: it was accepted or, with an error, not */
    const struct journal *journal; /* of the entry, before the attempt; NULL: there is none */
    const struct caller *caller;   /* that handed it over, or NULL */
    const char *address;           /* of the host: see connection_address(); NULL: none answered,
 or there is no account */
    bool expired;  /* the entry has outlived its lifetime: what is not sent now has failed */
    int64_t delay; /* milliseconds since it was accepted; 0: not known */
};

/* Appends the Message-ID without angle brackets, as it is; nothing where there is none. */
void logline_message_id(const struct logline *facts, struct str *out);

/* Appends TEXT escaped, without blanks, which would end a value. */
void logline_add_value(struct str *out, const char *text);

/* Appends "host=H tls=on auth=on user=U from=F recipients=A,B mailsize=N smtpstatus=250
 * smtpmsg='250 ok' exitcode=EX_OK", before the last one "queue=ID" for an entry and
 * "message-id=ID", without angle brackets, where the message has one. Foreign text is escaped: one
 * line, whatever it holds. */
void logline_format(const struct logline *facts, struct str *out);

#endif
