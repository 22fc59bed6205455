/* What root does for an account of the system's: as the service's user, in a process of its own.
 * And what follows when a person has seen that an account works. */
#ifndef AS_SERVICE_H
#define AS_SERVICE_H

#include "config/site.h"

/* Calls RUN(CONTEXT) in a child that is the service's user, or FAILED(CONTEXT, err) if it cannot
 * become that. Returns what RUN returned, else EX_OSERR. */
int as_service_run(int (*run)(void *context),
                   void (*failed)(void *context, const struct error *err), void *context);

/* Mail that waits for ACCOUNT leaves with the next run: the pause of its failure ends. */
void as_service_resume(const struct site *site, const struct account *account);

#endif
