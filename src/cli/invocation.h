/* What a call asks for: the argument vector as values. */
#ifndef INVOCATION_H
#define INVOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strlist.h"
#include "message/envelope.h"
#include "config/identity.h"
#include "delivery/submission.h"

enum personality {
    PERSONALITY_SENDMAIL, /* sendmail, send-mail, and every name that is none of the others */
    PERSONALITY_ONEHOP,
    PERSONALITY_MSMTP,
};

enum invocation_mode {
    INVOKE_SEND,
    INVOKE_PRINT, /* -P */
    INVOKE_VERSION,
    INVOKE_HELP,
    INVOKE_LIST_QUEUE,    /* -bp, mailq */
    INVOKE_RUN_QUEUE,     /* -q, runq */
    INVOKE_ALIASES,       /* -bi, newaliases */
    INVOKE_STDIO_SESSION, /* -bs: SMTP on standard input and output */
    INVOKE_SERVE,         /* -bd: the service */
    INVOKE_SERVERINFO,    /* -S */
    INVOKE_RMQS,          /* --rmqs */
    INVOKE_CONFIGURE,     /* --configure */
    INVOKE_VERIFY,        /* -bv: where the recipients would go */
    INVOKE_NOTHING,       /* -bh, -bH: host status that we do not keep */
};

struct queue_wish { /* -q: which entries, and whether only those that are due */
    const char *id, *recipient, *sender; /* "" for all */
    bool only_due;
};

struct invocation {
    enum personality personality;
    const char *program; /* for messages: the last part of argv[0] */
    enum invocation_mode mode;
    bool verbose;
    bool dots_are_text;    /* -i */
    const char *file;      /* -C, NULL if not given */
    const char *host;      /* --host, NULL if not given */
    const char *rmqs;      /* --rmqs, NULL if not given */
    const char *configure; /* --configure, NULL if not given */
    struct submission_wishes wishes;
    unsigned notify;
    bool notify_given; /* -N off says "none", too */
    enum dsn_return dsn_return;
    bool return_given;
    const char *envid; /* "" if not given */
    bool body_8bit_wish;
    struct queue_wish queue;
    struct override *override; /* values borrowed from ARGV */
    size_t overrides;
};

/* Unsafe options are refused where the caller's words may be a stranger's: for the name sendmail,
 * for msmtp called by a web server, and behind --untrusted-args.
 * Reads the arguments as getopt_long(3) does: options may follow operands, long ones be shortened.
 * Every argument is searched for control characters first. Errors are EX_USAGE; PROGRAM and
 * PERSONALITY are set even then. What is stored is borrowed from ARGV. Free with
 * invocation_clear(). */
bool invocation_parse(struct invocation *call, int argc, char **argv, struct error *err);

void invocation_clear(struct invocation *call);

#endif
