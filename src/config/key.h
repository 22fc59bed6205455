/* The one table of configuration keys. Parsing, inheritance, printing (onehop -P), the command
 * line's long options and the check of the manual page all walk it: a new key is one new row in
 * keytable.c and one field in the struct it belongs to. */
#ifndef KEY_H
#define KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strlist.h"

enum key_type {
    KEY_TEXT,     /* char * */
    KEY_PATH,     /* char *, a leading ~/ is expanded */
    KEY_SECRET,   /* struct str, secret: wiped, printed as '*' */
    KEY_LIST,     /* struct strlist; commas separate, blanks around are dropped */
    KEY_BOOL,     /* bool: on off, yes no, true false, 1 0 */
    KEY_NUMBER,   /* long, min..max */
    KEY_DURATION, /* int64_t milliseconds; 90, 90s, 5m, 2h, 5d; off is 0 */
    KEY_SIZE,     /* int64_t octets; 10M, 64k */
    KEY_CHOICE,   /* int: index into choices */
    KEY_METHOD,   /* int: AUTH_OFF, AUTH_ON, or a mechanism; see account_sasl() */
};

enum key_section { /* the sections that may have a key */
                   KEY_ACCOUNT = 1,
                   KEY_QUEUE = 2,
                   KEY_SERVICE = 4,
                   KEY_PROVIDER = 8,
                   KEY_OAUTH = 16,
};

enum {
    KEY_OF_ONE = 1,  /* about one account: not inherited, not in [defaults] */
    KEY_OF_FILE = 2, /* no option of the command line: a password in argv is one in ps(1), others
                        are about how a file is organised */
    KEY_RAW = 4,     /* a password or a command: read literally */
};

enum key_shown {
    KEY_SHOWN_PLAIN, /* as key_print() has it; nothing is "(not set)" */
    KEY_SHOWN_AS_IT_IS,
    KEY_SHOWN_PORT,
    KEY_SHOWN_SECONDS,
    KEY_SHOWN_METHOD,
    KEY_SHOWN_STARS,
    KEY_SHOWN_HEX,
    KEY_SHOWN_CONDITIONS,
    KEY_SHOWN_AMOUNT,
    KEY_SHOWN_FACILITY,
    KEY_SHOWN_UNDISCLOSED, /* and with it what undisclosed_recipients would be */
};

struct key {
    const char *name;
    const char *alias; /* msmtp's or an older name with the same meaning, or NULL */
    enum key_section section;
    enum key_type type;
    size_t offset;              /* of the field in the struct of its section */
    const char *fallback;       /* as it would be written; "" for none */
    const char *msmtp;          /* msmtp's own default where it differs, else NULL */
    const char *const *choices; /* KEY_CHOICE, NULL-terminated */
    long min, max;              /* KEY_NUMBER */
    bool (*check)(const char *text, struct error *err); /* NULL, or a test of one value (of each
                                                           item of a list); its error is what the
                                                           user reads */
    unsigned flags;                                     /* KEY_OF_ONE ... */
    bool of_server;       /* about a server and the login there: no sense for mail that is kept */
    const char *command;  /* what it is called in an msmtprc, NULL where msmtp has it not */
    bool needs_argument;  /* that command */
    enum key_shown style; /* by msmtp's -P, in the order of the table */
    const char *label;    /* there, where it is not the command */
    const char *help;     /* one line, for onehopctl help and the check of onehop.ini(5) */
};

enum { KEY_MAX = 128 }; /* rows; a set of keys is a `struct key_set` */

struct key_set {
    uint64_t bits[(KEY_MAX + 63) / 64];
};

extern const struct key key_table[];
extern const size_t key_count;

/* The row of NAME (or alias) in SECTION, NULL if there is none. */
const struct key *key_find(enum key_section section, const char *name);

/* The name in SECTION most like NAME ("did you mean"), NULL if none comes near. */
const char *key_nearest(enum key_section section, const char *name);

/* What a command or an option without its argument means for KEY: on, or auto where that exists;
 * NULL where neither does. */
const char *key_bare_value(const struct key *key);

/* Appends the value number I of those that KEY, a switch or a choice, can have; false past the
 * last, and for keys of other types. Ask for them in their order. */
bool key_choice(const struct key *key, size_t i, struct str *out);

/* msmtp's old names. NULL: no such name. */
struct key_renamed {
    const char *name;
    const char *key;      /* of today, NULL: it has no effect */
    const char *on, *off; /* values of it that on and off mean; without `on` it takes no
                             argument and means `off`; without both it is just another name */
};
const struct key_renamed *key_renamed(const char *name);

size_t key_index(const struct key *key);
bool key_is_set(const struct key_set *set, const struct key *key);
void key_mark(struct key_set *set, const struct key *key);

/* Parses TEXT into the field of OBJECT. On failure the field is unchanged and the error's text says
 * what is wrong and what would be right, without FILE:LINE, which the caller prefixes. HOME is for
 * ~/ in paths; "" leaves it. */
bool key_parse(const struct key *key, void *object, const char *text, const char *home,
               struct error *err);

/* Appends the value of OBJECT's field as it would be written; "*" for a secret that is set. */
void key_print(const struct key *key, const void *object, struct str *out);

/* The same for people and their bug reports: "*" in place of a PIN that is part of a PKCS#11 URI
 * (RFC 7512, 2.4, pin-value), and of what follows it. */
void key_show(const struct key *key, const void *object, struct str *out);

/* Gives the field of OBJECT the key's fallback, as_msmtp msmtp's. */
void key_unset(const struct key *key, void *object, bool as_msmtp);

/* Makes TO's field a copy of FROM's, which may be one object. */
void key_copy(const struct key *key, void *to, const void *from);

/* Gives all fields of SECTION in OBJECT, zeroed memory at first, their fallback. */
void key_fill(enum key_section section, void *object);

/* The same with msmtp's defaults where they differ. */
void key_fill_msmtp(enum key_section section, void *object);

/* Frees all fields of SECTION and makes them empty. */
void key_clear(enum key_section section, void *object);

#endif
