/* The units of the service, on a machine that systemd runs. */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* True if systemd runs this machine, sd_booted(3). */
bool units_are_here(void);

/* Asks systemctl(1) for the socket and the service. OUT gets a sentence that says whether they are
 * active and enabled, and what is to be done where they are not enabled; it stays empty where
 * there are no such units, or systemctl does not answer. False, EX_UNAVAILABLE: the socket is not
 * active, and what to start. */
bool units_show(struct str *out, struct error *err);

#endif
