/* The one table of command line options. It serves every name the program is called by and marks
 * what a caller who is not trusted may not say (PHP passes a visitor's words here). */
#ifndef OPTION_H
#define OPTION_H

#include <stddef.h>

enum option_argument { OPTION_NONE, OPTION_REQUIRED, OPTION_OPTIONAL };

enum option_safety {
    OPTION_SAFE,
    OPTION_UNSAFE,    /* names a file, a command, a host, TLS trust or a credential, or prints the
                         configuration: EX_USAGE where arguments are not trusted */
    OPTION_SWALLOWED, /* historic: has no effect there */
};

enum option_id {
    OPT_IGNORED,
    OPT_TEXT,   /* stores the argument in the `const char *` of struct invocation at `at` */
    OPT_FLAG,   /* sets the bool of struct invocation at `at` */
    OPT_INVOKE, /* makes `at` the mode */
    OPT_BODY,   /* these have a function each in invocation.c */
    OPT_DEBUG,
    OPT_FROM,
    OPT_LOGFILE,
    OPT_MODE,
    OPT_NOTIFY,
    OPT_OLD,
    OPT_RENAMED, /* msmtp's old name for a key: key_renamed() knows it */
    OPT_RETURN,
    OPT_RMQS,
    OPT_RUN,
    OPT_SENDMAIL, /* -O Name=value */
    OPT_UNTRUSTED,
};

struct option_row {
    char letter;      /* 0 for none */
    const char *word; /* without the dashes, NULL for none */
    enum option_argument argument;
    enum option_id id;
    enum option_safety safety;
    size_t at;
    const char *help; /* one line; "" for what is accepted and ignored */
};

extern const struct option_row option_table[];
extern const size_t option_count;

/* The row of -LETTER, NULL if there is none. */
const struct option_row *option_by_letter(char letter);

#endif
