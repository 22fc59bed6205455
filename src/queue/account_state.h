/* How an account stands with its provider: the breaker, whether it refuses the null sender, and how
 * many bounces were made this hour. One small file for each account, shared by all processes that
 * use the spool; losing it costs a few attempts and nothing else, so it is never synced. */
#ifndef ACCOUNT_STATE_H
#define ACCOUNT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "queue/breaker.h"
#include "queue/spool.h"

enum { STANDING_BOUNCES_PER_HOUR = 20 };

/* Zeroed memory is an account that nothing is known of. */
struct standing {
    struct breaker breaker;
    bool null_refused;   /* MAIL FROM:<> was refused: bounces come from the account's `from` */
    int64_t bounce_hour; /* hours since 1970 that `bounces` counts */
    unsigned bounces;
    int64_t notice_hour; /* hours since 1970 in which admin was last told of trouble */
};

/* Pure: the text of the file. What cannot be read leaves STANDING zeroed. */
void standing_encode(const struct standing *standing, struct str *out);
void standing_decode(struct standing *standing, const char *data, size_t len);

/* True, and counted, if another bounce may be made in the hour of NOW (seconds since 1970). */
bool standing_count_bounce(struct standing *standing, int64_t now);

/* True, and noted, if admin was not told of trouble in the hour of NOW yet. */
bool standing_take_notice(struct standing *standing, int64_t now);

/* What is on file for ACCOUNT; zeroed if there is nothing. */
bool standing_read(struct standing *standing, const struct spool *spool, const char *account,
                   struct error *err);

/* Reads, lets CHANGE alter it, and writes it back, all under a lock. The lock is waited
 * for a moment only: somebody who was stopped while he held it must not stop us, and the file mends
 * itself. CHANGE returns whether there is anything to write. STANDING, if not NULL, gets the
 * result. */
bool standing_change(const struct spool *spool, const char *account,
                     bool (*change)(struct standing *standing, void *context), void *context,
                     struct standing *standing, struct error *err);

#endif
