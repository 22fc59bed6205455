/* The entries that a worker has in hand: locked, begun, settled or put back. For worker.c, which
 * sends them. */
#ifndef HAND_H
#define HAND_H

#include "delivery/worker.h"

/* An entry in hand: in flight, or about to be sent. */
struct held {
    struct entry_lock lock;
    struct attempt attempt; /* while in flight */
    int64_t began;
    bool first; /* the job's */
    bool alone; /* not with others in flight */
    bool again; /* was in flight on a connection that ended */
    bool account_fails;
};

struct worker {
    const struct worker_job *job;
    struct identity identity;          /* empty until the first entry, or if nothing serves it */
    const struct account *account;     /* that identity's */
    struct connection_options options; /* of the delivery, and what was learnt here */
    struct connection *connection;
    struct account_access access;
    size_t sent_here;   /* messages over this connection */
    bool stop;          /* the account fails, or is busy: nothing is sent any more */
    bool leave;         /* the same for this worker alone: others go on */
    bool first_is_over; /* the job's first entry is done */
    bool was_ready;     /* there was a connection */
    bool said_ready;    /* a message went through, and the job knows */
    bool spool_failed;
    bool no_room; /* for the journal of some entry */
    bool no_more;
    size_t handled;
    struct held hand[WORKER_HELD_MAX]; /* a ring in order of arrival; the first are in flight */
    size_t at, held, in_flight;
};

/* The one at I in order of arrival. */
struct held *hand_at(struct worker *w, size_t i);

/* True if nothing is sent any more. */
bool hand_is_over(const struct worker *w);

/* Nothing is sent any more, by the job's other workers either. */
void hand_stop(struct worker *w);

/* Each of these ends the lock of the first in hand, which is in hand no more.
 *
 * Settles what ATTEMPT was for it, reports it to the caller that waits, and clears ATTEMPT. */
void hand_settle(struct worker *w, struct attempt *attempt);

/* The same for an entry that FAILURE kept from being tried. */
void hand_fail(struct worker *w, const struct error *failure);

/* Nothing is sent any more: what waits for an account that fails still gets older, and what has
 * outlived its lifetime expires. */
void hand_put_back(struct worker *w);

/* Begins an attempt on the first in hand, see queue/spool.h. False: nothing may be sent, and it is
 * in hand no more. What one entry finds no room for another may not need, and what leaves makes
 * room. */
bool hand_begin(struct worker *w);

/* Locks the next entry that is there to be sent. False: there is none. */
bool hand_take_next(struct worker *w);

#endif
