/* Configurations of other relay-only mailers, read into accounts: ssmtp, nullmailer, dma. What they
 * say and onehop has no word for is told in remarks. */
#ifndef FOREIGN_H
#define FOREIGN_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strlist.h"
#include "config/configuration.h"

enum { FOREIGN_FILE_MAX = 256 * 1024 }; /* octets of one file */

struct foreign {
    struct configuration *accounts; /* where they go */
    struct strlist *remarks;        /* one line each, for comments */
    const char *host;               /* this host's name */
    struct account *first;          /* of those that were added */
};

/* PATH is ssmtp.conf; revaliases is looked for beside it. */
bool foreign_ssmtp(struct foreign *foreign, const char *path, struct error *err);

/* PATH is nullmailer's directory: remotes, me, adminaddr, allmailfrom, helohost. */
bool foreign_nullmailer(struct foreign *foreign, const char *path, struct error *err);

/* PATH is dma.conf; auth.conf is where that says, else beside it. */
bool foreign_dma(struct foreign *foreign, const char *path, struct error *err);

/* For the three files: adds an account that belongs to PATH. */
struct account *foreign_add(struct foreign *foreign, const char *name, const char *path);

/* Sets a key; what is no value of it becomes a remark. */
void foreign_set(struct foreign *foreign, struct account *account, const char *key,
                 const char *value);

/* Sets host and port from "HOST", "HOST:PORT", "[ADDRESS]:PORT". */
void foreign_set_host(struct foreign *foreign, struct account *account, const char *text);

/* Reads the file NAME beside PATH, or in it. Missing ones are empty. False: cannot be read. */
bool foreign_read_beside(const char *path, const char *name, struct str *out, struct error *err);

/* Calls TAKE for every line of TEXT that is neither empty nor a comment, without blanks around. */
void foreign_lines(const struct str *text, void (*take)(void *context, char *line), void *context);

#endif
