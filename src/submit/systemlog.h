/* The system's log. */
#ifndef SYSTEMLOG_H
#define SYSTEMLOG_H

#include "delivery/logresult.h"

enum { SYSTEMLOG_RECIPIENTS_MAX = 100 }; /* that are fields of one entry of the journal */

/* Sends RECORD to the journal of systemd with the fields that onehop(1) lists, or where there is
 * none to syslog(3): as msmtp if PROGRAM is that, else as onehop, in Postfix' form as onehop/smtp
 * and the like with the process id. */
void systemlog_send(const char *program, int facility, const struct log_record *record);

#endif
