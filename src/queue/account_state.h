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

enum { ACCOUNT_STATE_BOUNCES_PER_HOUR = 20 };

/* Zeroed memory is an account that nothing is known of. */
struct account_state {
    struct breaker breaker;
    bool null_refused;   /* MAIL FROM:<> was refused: bounces come from the account's `from` */
    int64_t bounce_hour; /* hours since 1970 that `bounces` counts */
    unsigned bounces;
    int64_t notice_hour; /* hours since 1970 in which admin was last told of trouble */
};

/* Pure: the text of the file. What cannot be read leaves STATE zeroed. */
void account_state_encode(const struct account_state *state, struct str *out);
void account_state_decode(struct account_state *state, const char *data, size_t len);

/* True, and counted, if another bounce may be made in the hour of NOW (seconds since 1970). */
bool account_state_count_bounce(struct account_state *state, int64_t now);

/* True, and noted, if admin was not told of trouble in the hour of NOW yet. */
bool account_state_take_notice(struct account_state *state, int64_t now);

/* What is on file for ACCOUNT; zeroed if there is nothing. */
bool account_state_read(struct account_state *state, const struct spool *spool, const char *account,
                        struct error *err);

/* Reads, lets CHANGE alter it, and writes it back, all under a lock. The lock is waited
 * for a moment only: somebody who was stopped while he held it must not stop us, and the file mends
 * itself. CHANGE returns whether there is anything to write. STATE, if not NULL, gets the
 * result. */
bool account_state_change(const struct spool *spool, const char *account,
                          bool (*change)(struct account_state *state, void *context), void *context,
                          struct account_state *state, struct error *err);

#endif
