/* Failure: what went wrong, told once, where it was noticed.
 *
 * What can fail returns bool and takes a `struct error *` last: false means the error is filled,
 * true means it was not touched. Whoever notices picks scope, class and code; callers only put
 * context in front. Nothing here allocates.
 */
#ifndef ERROR_H
#define ERROR_H

#include <stdbool.h>
#include <stdarg.h>

enum error_scope {
    ERROR_ACCOUNT,   /* the provider, the way to it, or the login: says nothing about the mail */
    ERROR_MESSAGE,   /* this message, whoever it goes to */
    ERROR_RECIPIENT, /* one recipient */
};

enum error_class {
    ERROR_TEMPORARY, /* the same attempt may succeed later */
    ERROR_PERMANENT, /* the same attempt will fail again */
};

enum error_step { /* of a session, for who maps failures to another program's exit statuses */
                  ERROR_STEP_OTHER,
                  ERROR_STEP_PASSWORD,
                  ERROR_STEP_CONNECT,
                  ERROR_STEP_TLS,
                  ERROR_STEP_HELLO,
                  ERROR_STEP_LOGIN,
                  ERROR_STEP_MAIL,    /* MAIL, RCPT, DATA, and all that is done after the login */
                  ERROR_STEP_CONTENT, /* the reply to the content */
};

enum {
    ERROR_TEXT_MAX = 768,   /* octets of one line of text, end included */
    ERROR_REPLY_MAX = 1024, /* octets kept of a server's reply, end included */
};

struct error {
    enum error_scope scope;
    enum error_class class;
    enum error_step step;
    bool closed;                 /* the server ended the connection without a reply */
    int code;                    /* sysexits(3), for the calling shell */
    int reply_code;              /* SMTP reply code, 0 where no reply was involved */
    char status[12];             /* enhanced status code (RFC 3463), "" where none was given */
    char text[ERROR_TEXT_MAX];   /* one line, no newline, printable */
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

/* A copy, to be freed with free(). */
struct error *error_copy(const struct error *err);

/* The name of a sysexits code ("EX_OK", "EX_TEMPFAIL"), "EX_???" for one it does not know. */
const char *error_code_name(int code);

#endif
