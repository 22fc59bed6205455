/* What a worker, which speaks to a provider, may still touch: the spool, the log, the files of its
 * account and of the resolver and TLS. And what a session of the service may, which takes mail. */
#ifndef FENCE_H
#define FENCE_H

#include "config/account.h"
#include "config/configuration.h"
#include "queue/spool.h"
#include "delivery/connection.h"

/* Confines this process to the deliveries of ACCOUNT from SPOOL (base/confine.h). Returns which
 * fences stand: none where the account needs other programs (password_command, keyring) or
 * libraries with files of their own (GSSAPI, PKCS#11), which nobody can list. */
unsigned fence_worker(const struct account *account, const struct spool *spool,
                      const struct password_sources *sources);

/* Confines this process to accepting mail for the accounts of CONFIG into the spool at SPOOL: no
 * password file, no network, no other program. Returns which fences stand: none where the spool is
 * yet to be made, or an aliases file names others (:include:), which can be anywhere. */
unsigned fence_session(const struct configuration *config, const struct paths *paths,
                       const char *spool);

#endif
