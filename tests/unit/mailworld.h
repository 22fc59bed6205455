/* What a delivery is handed in a test: a spool, an account or two, a clock that stands still, and
 * no network but the test's. */
#ifndef MAILWORLD_H
#define MAILWORLD_H

#include "delivery/delivery.h"
#include "spooldir.h"

struct mailworld {
    struct spooldir *dir;
    struct account *own[2];
    const struct account *account[2];
    struct paths paths;
    struct site site;
    struct password_sources passwords;
    struct connection_options options;
    struct spool_time spool_time;
    struct delivery_context delivery;
};

extern int64_t mailworld_now; /* seconds since 1970 */

/* Opens a spool of its own and makes the account "work", which sends as me@example.org by the host
 * mx, and the account "home", me@example.net by the host mx2; neither logs in nor uses TLS. WORLD
 * must stay where it is until mailworld_end(). */
void mailworld_begin(struct mailworld *world);
void mailworld_set(struct mailworld *world, const char *key, const char *value); /* of "work" */

/* Sets the clock SECONDS after the arrival of ID. */
void mailworld_later(const char *id, int64_t seconds);

/* Appends all octets of the entry ID of DIRECTORY, head and content. False: there is none. */
bool mailworld_read(const struct mailworld *world, const char *directory, const char *id,
                    struct str *out);

void mailworld_end(struct mailworld *world);

#endif
