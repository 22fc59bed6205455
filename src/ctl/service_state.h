/* What the running service sends by: the configuration it has read, when it read it, and whether
 * what the files say now is something else. The service writes it (verb "state" of the control
 * socket), `onehopctl check` shows it:
 *
 *     read 1764165910
 *     file /etc/onehop/onehop.ini
 *     rejected /etc/onehop/onehop.ini:3: unknown key 'pasword' ...
 */
#ifndef SERVICE_STATE_H
#define SERVICE_STATE_H

#include <stdint.h>
#include <stdio.h>

#include "config/site.h"

struct service_state {
    int64_t read_at;     /* seconds since the epoch; 0: none was read */
    struct str files;    /* one a line */
    struct str rejected; /* why the files as they are now are not used; empty: they are */
};

/* What the service of SITE answers. */
void service_state_write(const struct site *site, FILE *out);

/* Asks the service. EX_TEMPFAIL where none answers, EX_UNAVAILABLE where it is of a version that
 * does not know the question. */
bool service_state_ask(struct service_state *state, const struct site *site, struct error *err);

void service_state_clear(struct service_state *state);

#endif
