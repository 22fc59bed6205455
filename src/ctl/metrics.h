/* onehopctl metrics: an observation in Prometheus' text format 0.0.4, for node_exporter's textfile
 * directory and for all that reads this form. */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "config/site.h"
#include "ctl/observation.h"

/* Pure: prints SEEN at NOW. */
void metrics_print(const struct observation *seen, int64_t now, FILE *out);

/* Prints what the caller's and the system's mail is like. Returns the exit status. */
int metrics_run(int argc, char **argv, struct site *site);

/* Puts the system's metrics in the place of the file PATH, mode 0644, in one step. False: ERR says
 * why the file is what it was. */
bool metrics_write(const char *path, const struct site *site, struct error *err);

#endif
