/* The system's log. */
#ifndef SYSTEMLOG_H
#define SYSTEMLOG_H

#include "delivery/logresult.h"

/* Sends RECORD to syslog(3), as msmtp if PROGRAM is that, else as onehop; a line in Postfix' form
 * as onehop/smtp[PID] and the like. */
void systemlog_send(const char *program, int facility, const struct log_record *record);

#endif
