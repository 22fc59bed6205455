/* What a process that speaks to a provider may still touch, a worker or a caller's first try: the
 * spool, the log, the files of its account and of the resolver and TLS. And what a session of the
 * service may, which takes mail. */
#ifndef FENCE_H
#define FENCE_H

#include <stdbool.h>

#include "config/site.h"
#include "queue/spool.h"
#include "delivery/connection.h"

struct fence_delivery {
    const struct account *account; /* whose mail is delivered */
    const struct account *other;   /* whose log is written, too; NULL: no other's */
    const struct site *site;
    const struct spool *spool; /* NULL: none */
    bool reads_passwords;      /* files that hold the account's are read */
};

/* Confines this process to deliveries (base/confine.h). Makes the log files and the Maildirs that
 * are missing. Returns which fences stand: none where fence_hindrance() says so. */
unsigned fence_delivery(const struct fence_delivery *delivery);

/* True if the password of ACCOUNT comes from another program (password_command, keyring, tokens):
 * a worker needs a password_helper then. The order of sources is that of password_find(): a file is
 * found before a program is asked. */
bool fence_needs_programs(const struct account *account);

/* Why deliveries of ACCOUNT are not confined: it needs files that nobody can list (GSSAPI,
 * PKCS#11). NULL: they are, where the kernel can. */
const char *fence_hindrance(const struct account *account);

/* Confines this process to accepting mail for the accounts of SITE into the spool at SPOOL, which
 * is there: it reads the files of aliases, those included that they name now, and no other of the
 * site's, which can hold passwords; no network, no other program. Returns which fences stand. */
unsigned fence_session(const struct site *site, const char *spool);

/* Confines this process to managing the entries of the spool at SPOOL: no other file is written, no
 * password file read, no network, no other program. Returns which fences stand. */
unsigned fence_control(const char *spool);

#endif
