/* onehopctl status: an observation judged, for Nagios, Icinga and their kin. */
#ifndef STATUS_H
#define STATUS_H

#include <stdint.h>

#include "base/str.h"
#include "config/site.h"
#include "ctl/observation.h"

enum { STATUS_OK, STATUS_WARNING, STATUS_CRITICAL, STATUS_UNKNOWN };

/* What is more than this is a warning, or critical. */
struct status_limits {
    struct {
        uint64_t messages;
        int64_t age;           /* of the oldest that waits, milliseconds; INT64_MAX: none */
    } of[STATUS_CRITICAL + 1]; /* STATUS_WARNING, STATUS_CRITICAL */
};

/* Pure: appends the line that says how things are, the worst first, and its performance data
 * (Monitoring Plugins Development Guidelines). Returns the exit status. */
int status_judge(const struct observation *seen, const struct status_limits *limits, int64_t now,
                 struct str *out);

/* [-w COUNT,AGE] [-c COUNT,AGE] */
int status_run(int argc, char **argv, struct site *site);

#endif
