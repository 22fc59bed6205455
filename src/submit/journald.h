/* The journal of systemd, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram
 * with a field on each line. */
#ifndef JOURNALD_H
#define JOURNALD_H

#include <stdbool.h>

#include "base/str.h"

/* Where journald listens. The test program puts another function in the place of this one. */
const char *journald_path(void);

/* Appends the field NAME to ENTRY. VALUE is escaped, so that it is one line. */
void journald_add(struct str *entry, const char *name, const char *value);

/* Sends ENTRY to the socket at PATH, which stays open until exec. False: no journal is there, or it
 * does not take the entry. Costs the system calls that syslog(3) costs, where none is there one. */
bool journald_send(const char *path, const struct str *entry);

#endif
