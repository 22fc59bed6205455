/* Whether the listener that the configuration asks for is there, as a client sees it. */
#ifndef LISTEN_PROBE_H
#define LISTEN_PROBE_H

#include <stdbool.h>

#include "config/site.h"

/* Appends what ITEM of `listen` is for, and asks it for its greeting, from this machine. False:
 * the settings miss something (EX_CONFIG), or nothing answers. */
bool listen_probe(struct str *out, const struct site *site, const char *item, struct error *err);

#endif
