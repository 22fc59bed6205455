/* What a worker, which speaks to a provider, may still touch: the spool, the log, the files of its
 * account and of the resolver and TLS. And what a session of the service may, which takes mail. */
#ifndef FENCE_H
#define FENCE_H

#include <stdbool.h>

#include "config/site.h"
#include "queue/spool.h"
#include "delivery/connection.h"

/* Confines this process to the deliveries of ACCOUNT from SPOOL (base/confine.h). Makes the log
 * file and the Maildirs that are missing. Where SOURCES ask another process for the password, the
 * files with passwords are out of reach too. Returns which fences stand: none where
 * fence_hindrance() says so.
 */
unsigned fence_worker(const struct account *account, const struct spool *spool,
                      const struct password_sources *sources);

/* True if the password of ACCOUNT comes from another program (password_command, keyring, tokens):
 * a worker needs a password_helper then. The order of sources is that of password_find(): a file is
 * found before a program is asked. */
bool fence_needs_programs(const struct account *account);

/* Why workers for ACCOUNT are not confined: it needs files that nobody can list (GSSAPI, PKCS#11).
 * NULL: they are, where the kernel can. */
const char *fence_hindrance(const struct account *account);

/* Confines this process to accepting mail for the accounts of SITE into the spool at SPOOL: no
 * password file, no network, no other program. Returns which fences stand: none where the spool is
 * yet to be made, or an aliases file names others (:include:), which can be anywhere; for a client
 * of the network (REMOTE) they stand even so, and neither what is included nor the site's files, which
 * may hold passwords, can be read. */
unsigned fence_session(const struct site *site, const char *spool, bool remote);

/* Confines this process to managing the entries of the spool at SPOOL: no other file is written, no
 * password file read, no network, no other program. Returns which fences stand. */
unsigned fence_control(const char *spool);

#endif
