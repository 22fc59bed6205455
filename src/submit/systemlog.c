#include "config.h"
#include "submit/systemlog.h"

#include <string.h>
#include <syslog.h>

void systemlog_send(const char *program, int facility, const struct log_record *record)
{
    const char *name = *record->program                ? record->program
                       : strcmp(program, "msmtp") == 0 ? "msmtp"
                                                       : "onehop";
    /* Never closed: a run logs thousands of lines, and the descriptor is closed on exec. */
    openlog(name, *record->program ? LOG_PID : 0, facility);
    syslog(record->result->result <= LOG_SENT ? LOG_INFO : LOG_ERR, "%s", record->text);
}
