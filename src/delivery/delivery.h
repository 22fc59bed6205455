/* What the delivery of queued entries needs at hand, and one attempt on one entry. */
#ifndef DELIVERY_H
#define DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "message/outcome.h"
#include "config/identity.h"
#include "queue/entry_lock.h"
#include "queue/spool.h"
#include "queue/spool_time.h"
#include "delivery/connection.h"
#include "delivery/verdict.h"

struct attempt;

/* Made by the caller that runs a spool; it does not change meanwhile. */
struct delivery_context {
    struct spool *spool;
    const struct site *site;
    const struct connection_options *options;
    const struct spool_time *spool_time; /* of the spool */
    int64_t lifetime;                    /* seconds; [queue] lifetime; 0 is for ever */
    int64_t delay_warning;               /* seconds; [queue] delay_warning; 0: none */
    const char *bounce_to;               /* [queue] bounce_to, or "" */
    int64_t (*now)(void);                /* seconds since 1970 */
    uint64_t (*random)(void);
    /* Gets every attempt on an entry, for the log: ACCOUNT may be NULL, and CONNECTION is if none
     * was made. LOCK has the journal as it was before. May be NULL. */
    void (*log)(void *context, const struct account *account, const struct connection *connection,
                const struct entry_lock *lock, const struct attempt *attempt);
    /* Reports entries that cannot be read, and failures of the spool. May be NULL. */
    void (*report_failure)(void *context, const struct error *err);
    /* Asked before what became of an attempt is settled: true if the caller waits for it, and
     * gets it by report_result(). May be NULL, as report_result(). */
    bool (*is_awaited)(void *context, const char *id);
    /* Gets the attempt for which is_awaited() was true; ATTEMPT is NULL if this run does not try
     * the entry. */
    void (*report_result)(void *context, const char *id, const struct attempt *attempt);
    void *context;
};

/* Passes FAILURE to report_failure(), if there is one. */
void delivery_report_failure(const struct delivery_context *delivery, const struct error *failure);

/* The seconds since the entry ID came, those counted in which its spool was run. */
int64_t delivery_age(const struct delivery_context *delivery, const char *id);

/* True if the entry ID has outlived the lifetime. A bounce, whose id has the time when its original
 * came and which may be made on that one's last day, has the same time once more. */
bool delivery_is_expired(const struct delivery_context *delivery, const char *id);

/* An attempt and what it meant, one outcome for each recipient of the entry; those that had their
 * status before are OUTCOME_SENT or refused permanently, too. */
struct attempt {
    struct outcome *outcomes; /* n of them */
    size_t n;
    size_t sent_before; /* of them, by earlier attempts */
    bool failed;        /* ended as a whole: `failure` says how */
    struct error failure;
    struct str reply;         /* to the content */
    int64_t began;            /* the transaction: a moment; see base/clock.h */
    int64_t setup;            /* milliseconds that a connection made for it took */
    struct session_mail mail; /* while it is in flight */
};

/* Makes IDENTITY of the account that an entry is to be relayed through: the one it names, or that
 * one's fallback if it is called THROUGH (see fallback.h), else the one that serves its sender now.
 * False: none does; the account's failure, EX_CONFIG; IDENTITY is empty.
 */
bool delivery_identity(const struct delivery_context *delivery, const struct entry *entry,
                       const char *through, struct identity *identity, struct error *err);

/* Sends the entry to those of its recipients that wait. A null sender that is refused is
 * sent once more as the account's address, and that is remembered. What is carried for another
 * account leaves as readdress.h says. ATTEMPT must be zeroed. */
void delivery_attempt(const struct delivery_context *delivery, struct connection *connection,
                      const struct account *account, const struct entry_lock *lock,
                      struct attempt *attempt);

/* True if the entry can go over CONNECTION, as far as the server's limits of a session are
 * concerned. */
bool delivery_takes(const struct connection *connection, const struct entry_lock *lock);

/* The same with others in flight, see session.h. A null sender is never sent this way. ATTEMPT must
 * be zeroed, and is so again if delivery_push() fails. LOCK and ATTEMPT must stay where they are
 * until delivery_pull(), which takes the oldest in flight; false: nothing is known of it. */
enum session_room delivery_room(const struct connection *connection, const struct entry_lock *lock);
bool delivery_push(struct connection *connection, const struct entry_lock *lock,
                   struct attempt *attempt);
bool delivery_pull(struct connection *connection, struct attempt *attempt);

/* Makes an attempt out of a failure that came before the entry was tried. */
void delivery_not_attempted(const struct entry_lock *lock, const struct error *failure,
                            struct attempt *attempt);

struct verdict delivery_verdict(const struct attempt *attempt);

/* True if the attempt met a failure of the account; what one recipient met is not the account's as
 * long as others were taken. Fills WHY. */
bool delivery_attempt_troubled(const struct attempt *attempt, struct error *why);

/* True if the attempt ended when the server may have had the content, and no reply says what became
 * of it. */
bool delivery_attempt_is_undecided(const struct attempt *attempt);

/* True if the server ended a session that had carried mail, before it had anything of this one. */
bool delivery_attempt_is_end_of_session(const struct attempt *attempt);

/* Nothing is wrong with the account: what the attempt met is the message's own failure. */
void delivery_attempt_blame(struct attempt *attempt, const struct account *account);

void delivery_attempt_clear(struct attempt *attempt);

#endif
