/* What a log line says of its recipients, and the lines of a form that has one for each. */
#ifndef LOGRESULT_H
#define LOGRESULT_H

#include "delivery/logline.h"

enum log_result {
    LOG_EARLIER, /* settled by an attempt before this one: it had its line then */
    LOG_QUEUED,  /* accepted, not tried yet */
    LOG_SENT,
    LOG_DEFERRED, /* waits in the queue */
    LOG_FAILED,   /* refused permanently, or nothing keeps it */
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

/* What became of recipient I. */
struct logresult logresult_of(const struct logline *facts, size_t i);

/* The worst of all recipients. */
struct logresult logresult_of_all(const struct logline *facts);

/* Where the delay of an attempt was spent: milliseconds. */
struct logresult_delay {
    int64_t total, queued, setup, transfer;
};
struct logresult_delay logresult_delay(const struct logline *facts);

/* The port of the host that answered; 0: none did, or it answered at a path. */
int logresult_port(const struct logline *facts);

/* Appends why, or for mail that was sent the reply to its content: one line, escaped. */
void logresult_add_reason(const struct logline *facts, const struct logresult *result,
                          struct str *out);

/* A line, and what it is about. All borrowed. */
struct log_record {
    const struct logline *facts;
    const struct logresult *result; /* NULL: the line is about none */
    size_t first, n;                /* its recipients */
    const char
        *program;     /* "onehop/smtp", after Postfix' parts; "" in other forms. Not freed ever */
    const char *text; /* escaped: one line */
};

/* Gets the lines. */
struct log_sink {
    void (*put)(void *context, const struct log_record *record);
    void *context;
};

#endif
