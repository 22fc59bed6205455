/* Asking before a connection whether the account may be used now, and noting what the connection
 * met: see queue/account_state.h. A process has one of the account's connection slots from its
 * first connection on. A state file that cannot be read or written costs an attempt and is ignored.
 */
#ifndef ACCOUNT_ACCESS_H
#define ACCOUNT_ACCESS_H

#include "config/rate.h"
#include "queue/breaker.h"
#include "queue/counters.h"
#include "delivery/delivery.h"

enum delivery_urgency {
    DELIVERY_DUE,       /* a timer, or a message of its own: the breaker is respected */
    DELIVERY_ASKED,     /* -q of no terminal: all but the breaker of a refused login is ignored, so
                           that a crontab cannot lock the account */
    DELIVERY_BY_USER,   /* one of many users of an account: a refused login is tried again after a
                           minute, else the same as */
    DELIVERY_BY_PERSON, /* flush, -q on a terminal: the breaker is half open */
};

/* Zeroed memory is an access to no account. */
struct account_access {
    const struct delivery_context *delivery;
    const struct account *account;        /* NULL: none */
    int slot;                             /* descriptor, -1 if none */
    int64_t began;                        /* when the connection was begun */
    uint64_t depends;                     /* circumstances_of() it */
    bool bdat_refused, streaming_refused; /* as account_state_read() found it, or noted here */
    bool behind;                          /* another process had a connection when this one asked */
    bool unverified;                      /* it is not known that the login works */
    bool suspect;                         /* a success changes the account's state */
    struct rate rate;
    bool has_rate;
    struct counters_part counted; /* in the slot's file */
};

/* True if BREAKER, of ACCOUNT, lets a connection of this urgency try at NOW. */
bool account_access_may_try(const struct site *site, const struct account *account,
                            const struct breaker *breaker, enum delivery_urgency urgency,
                            int64_t now);

/* From now on it is ACCOUNT that is used, or none: gives the other one's slot back. */
void account_access_use(struct account_access *access, const struct delivery_context *delivery,
                        const struct account *account);

enum { ACCOUNT_ACCESS_WAIT = 10 * 1000 }; /* milliseconds */

enum account_access_answer {
    ACCESS_GRANTED,
    ACCESS_BUSY,   /* others have all connections there may be */
    ACCESS_CLOSED, /* its breaker is open */
};

/* Asks before the first packet. An open breaker whose probe is due is taken by this call. Where it
 * is not known that the login works, processes that come at the same time wait for what the first
 * one meets, ACCOUNT_ACCESS_WAIT at most, so that one wrong password is one login. */
enum account_access_answer account_access_begin(struct account_access *access,
                                                enum delivery_urgency urgency);

/* Asks before each message whether the account's rate allows it, and counts it. */
bool account_access_count(struct account_access *access);

/* The connection failed before mail could be sent; or it is ready for mail, which is noted for
 * others where some came at the same time, or IS_RUN: others will. */
void account_access_failed(struct account_access *access, const struct error *failure);
void account_access_ready(struct account_access *access, bool is_run);

/* Notes in OPTIONS what CONNECTION showed of the server's CHUNKING, for the next connection; that
 * it offers it and does not know BDAT is remembered for all processes. */
void account_access_learn(struct account_access *access, const struct connection *connection,
                          struct connection_options *options);

/* True, and noted, if FAILURE only says that there are connections enough, since others work. An
 * ADDITIONAL connection, which is made only when others have proven the account, may fail with
 * anything but the login. */
bool account_access_is_one_too_many(struct account_access *access, const struct error *failure,
                                    bool additional);

/* ACCOUNT was just seen to work: the pause of its failure, which SPOOL knows of, ends at NOW. */
void account_access_verified(const struct spool *spool, const struct account *account, int64_t now);

enum account_access_blame {
    BLAME_NOBODY,  /* it may be the entry's alone: the next entry shows that */
    BLAME_ACCOUNT, /* verified: the breaker is open */
    BLAME_ENTRY,   /* others went through since it last met this */
};

/* An attempt on the locked entry, begun at BEGAN, met FAILURE, which looks like the account's. */
enum account_access_blame account_access_met(struct account_access *access,
                                             const struct entry_lock *lock,
                                             const struct error *failure, int64_t began);

/* An attempt ended with nothing held against the account. */
void account_access_passed(struct account_access *access);

/* Counts RESULT for the message ID, whose content has OCTETS. */
void account_access_count_result(struct account_access *access, enum counters_result result,
                                 const char *id, uint64_t octets);

#endif
