/* Failure: what went wrong, described once, where it was noticed.
 *
 * What can fail returns bool and takes a `struct error *` last: false means the error is filled,
 * true means it was not touched. The place that notices it fills scope, class and code, or where a
 * server refused something the command and its reply, which delivery/verdict.c judges; callers
 * only put context in front. Nothing here allocates.
 *
 * The text is English: logs, SMTP replies and the spool have it. For a terminal the same is kept in
 * the language of the caller (base/translation.h): the formats are looked up, and so is the
 * argument of a format that is "%s" alone. Any other argument is shown as it is, so it must be no
 * piece of a sentence.
 */
#ifndef ERROR_H
#define ERROR_H

#include <stdbool.h>
#include <stdarg.h>

enum error_scope {
    ERROR_ACCOUNT,   /* the provider, the way to it, or the login: says nothing about the mail */
    ERROR_MESSAGE,   /* this message, whatever its recipients */
    ERROR_RECIPIENT, /* one recipient */
};

enum error_class {
    ERROR_TEMPORARY, /* the same attempt may succeed later */
    ERROR_PERMANENT, /* the same attempt will fail again */
};

/* The command of a session that an error answers, or the step before the first one. */
enum error_command {
    COMMAND_NONE, /* not about a session: a file, the configuration, this machine */
    COMMAND_PASSWORD,
    COMMAND_TOKEN,   /* an authorization server could not be asked, or not now */
    COMMAND_CONNECT, /* name, TCP, proxy */
    COMMAND_TLS,     /* handshake and certificate */
    COMMAND_GREETING,
    COMMAND_EHLO, /* or HELO, LHLO */
    COMMAND_STARTTLS,
    COMMAND_AUTH,
    COMMAND_MAIL,
    COMMAND_RCPT,
    COMMAND_DATA,
    COMMAND_CONTENT, /* what follows 354, or BDAT with its chunk */
    COMMAND_RSET,
    COMMAND_ETRN,
};

/* What an account failure is about; it decides how long the account is left alone. */
enum error_cause {
    CAUSE_NETWORK,  /* DNS, connect, timeout, TLS, a server that is out of order */
    CAUSE_THROTTLE, /* the provider wants less, or something of the account changed first */
    CAUSE_LOGIN,    /* refused login, failing password command */
};

/* What was found out about the server's side: callers know which setting it is a matter of. */
enum error_finding {
    FINDING_NONE,
    FINDING_UNREACHABLE, /* refused, no route, no answer */
    FINDING_SILENT,      /* not an octet of an answer came in time */
    FINDING_NO_TLS,      /* it speaks without TLS where TLS was to begin */
    FINDING_TLS_FIRST,   /* it waits for TLS where a greeting was to come */
    FINDING_NO_STARTTLS,
    FINDING_TOKENS_ONLY, /* no login with a password is offered, one with a token is */
};

enum {
    ERROR_TEXT_MAX = 768,   /* octets of one line of text, end included */
    ERROR_REPLY_MAX = 1024, /* octets kept of a server's reply, end included */
};

struct error {
    enum error_scope scope;
    enum error_class class;
    enum error_command command;
    enum error_cause cause; /* where the scope is the account */
    enum error_finding finding;
    bool closed;               /* the server ended the connection without a reply */
    long wait;                 /* seconds that the other side wants to be left alone; 0: not said */
    int code;                  /* sysexits(3), for the calling shell */
    int reply_code;            /* SMTP reply code, 0 where no reply was involved */
    char status[12];           /* enhanced status code (RFC 3463), "" where none was given */
    char text[ERROR_TEXT_MAX]; /* one line, no newline, printable, English */
    char shown[ERROR_TEXT_MAX];  /* the same in the caller's language, "" where that is English */
    char reply[ERROR_REPLY_MAX]; /* the server's reply, lines separated by '\n', "" if none */
};

/* Fills ERR. Control characters in the formatted text become '?', an overlong text is cut.
 * Returns false, so that `return error_set(...)` reads as what it is. */
bool error_set(struct error *err, enum error_scope scope, enum error_class class, int code,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The three most common shapes of error_set(): a usage error of the calling program (64), a
 * configuration error (78), and a failing system call, whose errno text is appended (71, or CODE).
 */
bool error_usage(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool error_config(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool error_system(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " in front of the text. Returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts SEPARATOR, ": " or "; ", and a sentence behind the text. Returns false. */
bool error_add(struct error *err, const char *separator, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Gives ERR, which was filled, another text, for functions that take a format themselves. */
void error_write(struct error *err, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Replaces what is shown, and not the text: for arguments that a library has in the caller's
 * language (translation_by()). Nothing happens where no language was chosen. */
void error_show(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A copy, to be freed with free(). */
struct error *error_copy(const struct error *err);

/* A command as it is written in texts: "MAIL FROM", "greeting", "message" for the content. */
const char *error_command_name(enum error_command command);

/* The name of a sysexits code ("EX_OK", "EX_TEMPFAIL"), "EX_???" for one it does not know. */
const char *error_code_name(int code);

struct str;

/* Appends ERR for a log, a bounce, the spool, on one line: our words, then the server's reply. */
void error_explain(const struct error *err, struct str *out);

/* The same for a terminal: our words in the caller's language. */
void error_explain_shown(const struct error *err, struct str *out);

/* The text for a terminal. Borrowed. */
const char *error_shown(const struct error *err);

#endif
