/* The result of each recipient, for the log; and the lines that a form of the log hands on. */
#ifndef LOGRESULT_H
#define LOGRESULT_H

#include "delivery/logline.h"

enum log_result {
    LOG_EARLIER, /* settled by an earlier attempt, which was logged then */
    LOG_QUEUED,  /* accepted, not tried yet */
    LOG_SENT,
    LOG_DEFERRED, /* waits in the queue */
    LOG_FAILED,   /* refused permanently, expired, or not queued */
};

/* The names are "queued", "sent", "deferred" and "failed". */
extern const char *const logresult_names[];

struct logresult {
    enum log_result result;
    const struct error *why; /* NULL for none. Borrowed */
    int reply_code;          /* 0: no reply */
    char dsn[12];            /* enhanced status code: the server's, else a general one (RFC 3463);
                                "" of LOG_QUEUED */
};

/* The result of recipient I. */
struct logresult logresult_of(const struct logline *facts, size_t i);

/* The worst result of all recipients. */
struct logresult logresult_of_all(const struct logline *facts);

/* The delay of an attempt and its parts, in milliseconds: until the attempt, for the connection,
 * for the transaction. */
struct logresult_delay {
    int64_t total, queued, setup, transfer;
};
struct logresult_delay logresult_delay(const struct logline *facts);

/* The port of the host that answered; 0: none did, or it answered at a path. */
int logresult_port(const struct logline *facts);

/* Appends the reason of RESULT, or for mail that was sent the reply to its content: one line,
 * escaped. */
void logresult_add_reason(const struct logline *facts, const struct logresult *result,
                          struct str *out);

/* A line of the log. All of it is borrowed. */
struct log_record {
    const struct logline *facts;
    const struct logresult *result; /* NULL: the line reports no result */
    size_t first, n;                /* the recipients it reports */
    const char *program;            /* "onehop/smtp" and the like, "" in other forms. A constant */
    const char *text;               /* escaped: one line */
};

/* Where the lines go. */
struct log_sink {
    void (*put)(void *context, const struct log_record *record);
    void *context;
};

#endif
