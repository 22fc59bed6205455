/* Configurations of other relay-only mailers, read into accounts. What each word of such a file
 * means is a row of a table, one table for each program; this reads lines, looks words up, and
 * carries the rows out. What has no counterpart, and what was not understood, becomes a remark that
 * names file and line. These files hold passwords: no remark repeats a word of the file that is not
 * in the table, nor a value. */
#ifndef FOREIGN_H
#define FOREIGN_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strlist.h"
#include "config/configfile.h"

enum {
    FOREIGN_FILE_MAX = 256 * 1024, /* octets of one file */
    FOREIGN_TEXTS = 3,             /* values that a program keeps for the end */
};

struct foreign {
    struct configfile *file; /* where the accounts go */
    struct strlist *remarks; /* one line each, for comments */
    struct str *queue;       /* lines for a [queue] section */
    const char *host;        /* this host's name */
    /* Where set, asked for the file NAME instead of the file system; false: there is none. */
    bool (*find)(void *context, const char *name, struct str *out);
    void *context;
};

/* PATH is ssmtp.conf; revaliases is looked for next to it. */
bool foreign_ssmtp(struct foreign *foreign, const char *path, struct error *err);

/* PATH is nullmailer's directory. */
bool foreign_nullmailer(struct foreign *foreign, const char *path, struct error *err);

/* PATH is dma.conf; auth.conf is where that says, else next to it. */
bool foreign_dma(struct foreign *foreign, const char *path, struct error *err);

/* -- for those three -- */

enum foreign_action {
    FOREIGN_NONE,  /* has no counterpart: the remark says what that means */
    FOREIGN_KEY,   /* sets `key` of the account */
    FOREIGN_QUEUE, /* sets `key` of [queue] */
    FOREIGN_HOST,  /* sets host, and port where HOST:PORT is given */
    FOREIGN_FLAG,  /* sets `bits` */
    FOREIGN_YES,   /* sets `bits` where the value is yes */
    FOREIGN_TEXT,  /* keeps the value as text number `bits` */
};

enum foreign_bit { /* what is settled at the end, since words may come in any order */
                   FOREIGN_TLS = 1,
                   FOREIGN_STARTTLS = 2,
                   FOREIGN_UNCHECKED = 4,    /* any certificate will do */
                   FOREIGN_CLEAR_LOGIN = 8,  /* passwords may travel in the clear */
                   FOREIGN_TLS_PORT = 16,    /* TLS from the start means port 465 */
                   FOREIGN_PROGRAM_BIT = 32, /* the first of a program's own */
};

struct foreign_row {
    const char *name; /* in any case */
    enum foreign_action action;
    const char *key;
    unsigned bits;
    const char *remark; /* NULL, or what a user must know */
};

struct foreign_reader {
    struct foreign *foreign;
    const struct foreign_row *row; /* ends with a row without a name */
    struct account *account;       /* what words are about */
    struct str directory;          /* where its files are */
    const char *file;              /* the name of the file that is read */
    size_t line;
    unsigned bits;
    struct str text[FOREIGN_TEXTS];
};

/* Reads the words of the configuration PATH, a directory or a file of one, by the table ROW. */
void foreign_begin(struct foreign_reader *reader, struct foreign *foreign, const char *path,
                   bool is_directory, const struct foreign_row *row);
void foreign_end(struct foreign_reader *reader);

/* The account of that name, new where there is none. */
struct account *foreign_account(struct foreign_reader *reader, const char *name);

const struct foreign_row *foreign_find(const struct foreign_reader *reader, const char *name);

/* Does what the table says of NAME; VALUE may be "". Unknown names become a remark. */
void foreign_take(struct foreign_reader *reader, const char *name, const char *value);

/* Cuts TEXT at the first blank or tab and returns what follows the blanks there. */
char *foreign_split(char *text);

/* Sets a key of ACCOUNT. What is no value of it becomes a remark and false. */
bool foreign_set(struct foreign_reader *reader, struct account *account, const char *key,
                 const char *value);

/* Sets host and port from "HOST", "HOST:PORT", "[ADDRESS]:PORT". */
void foreign_set_host(struct foreign_reader *reader, struct account *account, const char *text);

void foreign_remark(struct foreign_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* TLS, port, login and rewriting of the account, from what was read. */
void foreign_settle(struct foreign_reader *reader, struct account *account);

/* Calls TAKE for every line of the file NAME (next to the others, unless it begins with a slash)
 * that is neither empty nor a comment, without blanks around it. A file that is missing has no
 * lines. False: it is there and cannot be read. */
bool foreign_lines(struct foreign_reader *reader, const char *name,
                   void (*take)(struct foreign_reader *reader, char *line), struct error *err);

/* Begins the account `default` and reads the lines of PATH, which must be there, into it. */
bool foreign_only_account(struct foreign_reader *reader, const char *path,
                          void (*take)(struct foreign_reader *reader, char *line),
                          struct error *err);

#endif
