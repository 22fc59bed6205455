/* onehopctl health: whether this machine's mail is attended to, for what restarts or replaces a
 * container. No login, no network. */
#ifndef HEALTH_H
#define HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "config/site.h"
#include "ctl/observation.h"

/* Pure: false, and LINE says why, if the configuration is not used, if for more than PATIENCE
 * seconds nothing has run a queue in which mail waits, or if an account has failed for that long.
 */
bool health_judge(const struct observation *seen, int64_t patience, int64_t now, struct str *line);

/* [AGE]: that patience, 1h. Before it the service must answer, or, where there is none, the queue
 * be writable. Prints one line. Returns 0, or 1: what Docker takes for healthy and unhealthy. */
int health_run(int argc, char **argv, struct site *site);

#endif
