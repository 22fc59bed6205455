/* What is known of an account across all processes that use a spool: its breaker, which message
 * gave rise to suspicion, how many connections the provider allows, whether it refuses the null
 * sender, what was sent and bounced lately. One small file for each account; losing it costs a few
 * attempts and nothing else, so it is never synced.
 *
 * A failure before mail is sent (connect, TLS, login) is the account's. One that a message meets
 * may be that message's alone: it makes the message suspect. When the next message meets one, too,
 * it is verified to be the account's and opens the breaker; when that one is accepted, the failure
 * was the first message's. */
#ifndef ACCOUNT_STATE_H
#define ACCOUNT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "queue/breaker.h"
#include "queue/entryid.h"
#include "queue/spool.h"
#include "queue/window_count.h"

enum {
    ACCOUNT_STATE_SPANS = 3, /* minute, hour, day */
    ACCOUNT_STATE_BOUNCES_PER_HOUR = 20,
    ACCOUNT_STATE_GROW = 30 * 60,         /* seconds after which one more connection is tried */
    ACCOUNT_STATE_HOSTS = 8,              /* of a list, that are remembered */
    ACCOUNT_STATE_MEMORY = 7 * 24 * 3600, /* seconds after which a server is asked once more */
    ACCOUNT_STATE_HOST_HELD = 5 * 60,     /* seconds for which a host that is down is left alone */
};

/* Zeroed memory is an account that nothing is known of. Times are seconds since 1970. */
struct account_state {
    struct breaker breaker;
    char suspect[ENTRYID_SIZE]; /* the entry that met a failure which no other has met yet, or "" */
    uint64_t suspect_depends;   /* what the account's settings were when it met that, as a number */
    int64_t cleared;            /* when a message last went through behind a suspect one */
    uint64_t verified;          /* settings with which a login was accepted, as a number; 0: it is
                                   not known of any */
    unsigned connections;       /* that the provider allows, as it seems; 0: it never refused one */
    int64_t connections_at;     /* when it refused one more */
    struct window_count sent[ACCOUNT_STATE_SPANS]; /* messages, where there is a limit */
    int64_t rate_until; /* the limit was reached: nothing is sent before */
    /* When the server did not take what every server should, 0 if it did: see
     * account_state_remembers(). */
    int64_t null_refused;      /* MAIL FROM:<>: bounces come from the account's `from` */
    int64_t bdat_refused;      /* CHUNKING is offered, and BDAT not known: mail is sent with DATA */
    int64_t streaming_refused; /* a message behind the content of another: one is sent at a time */
    /* Hosts of a list that could not be reached: a number for the name, 0 is none; and when. */
    uint32_t host[ACCOUNT_STATE_HOSTS], host_failed[ACCOUNT_STATE_HOSTS];
    int64_t bounce_hour; /* hours since 1970 that `bounces` counts */
    unsigned bounces;
    int64_t login_reported; /* breaker.since of the failing login that admin knows of */
    int64_t alerted;        /* breaker.since of the failure that alert_command reported, else 0 */
    int64_t notice_hour;    /* hours since 1970 of the last failure that was reported to admin */
};

/* Pure: the text of the file. What cannot be read leaves STATE zeroed. */
void account_state_encode(const struct account_state *state, struct str *out);
void account_state_decode(struct account_state *state, const char *data, size_t len);

/* The entry ID met FAILURE of the account, in its attempt after the one at LAST (0: there was
 * none). Returns whether it is the entry's own: others went through in between, and the account
 * is left as it is. Else it makes the entry suspect or, where another one was, opens the breaker.
 */
bool account_state_suspect(struct account_state *state, const char *id, int64_t last,
                           const struct breaker_failure *failure, uint64_t random);

/* True if what was met at WHEN still counts at NOW: a server that was mended is used as it is. */
bool account_state_remembers(int64_t when, int64_t now);

/* A message went through, or was refused for what it is. Returns whether that changes anything. */
bool account_state_clear(struct account_state *state, int64_t now);

/* How many connections may be open NOW, of MAX that are configured. */
unsigned account_state_connections(const struct account_state *state, unsigned max, int64_t now);

/* One more than OTHERS, which are open and work, was refused at NOW. */
void account_state_refuse_connection(struct account_state *state, unsigned others, int64_t now);

/* True, and counted, if another message may be sent at NOW: fewer than MOST[i] were in each span
 * (0: no limit). Otherwise rate_until says when. */
bool account_state_count_message(struct account_state *state,
                                 const uint32_t most[ACCOUNT_STATE_SPANS], int64_t now);

/* HOST, a number for its name, could not be reached at NOW, which is remembered in place of what is
 * oldest; NOW 0: it was reached. */
void account_state_hold_host(struct account_state *state, uint32_t host, int64_t now);

/* True if HOST could not be reached a moment before NOW: it is left alone. */
bool account_state_host_is_held(const struct account_state *state, uint32_t host, int64_t now);

/* True, and counted, if another bounce may be made in the hour of NOW: fewer than MOST were. */
bool account_state_count_bounce(struct account_state *state, unsigned most, int64_t now);

/* True, and noted, if no failure was reported to admin in the hour of NOW yet. */
bool account_state_take_notice(struct account_state *state, int64_t now);

/* What is on file for ACCOUNT; zeroed if there is nothing, or nothing can be read. */
void account_state_read(struct account_state *state, const struct spool *spool,
                        const char *account);

/* The file of an account that is being changed. */
struct account_file {
    int fd;
    struct account_state state; /* to be changed between begin and end */
};

/* Locks the file of ACCOUNT and reads it. The lock is waited for a moment only: a process that was
 * stopped while it held it must not stop us, and the file mends itself. False: that is not possible
 * now, and there is nothing to end. */
bool account_file_begin(struct account_file *file, const struct spool *spool, const char *account);

/* Writes the state back if it was CHANGED, and releases the lock. */
void account_file_end(struct account_file *file, bool changed);

#endif
