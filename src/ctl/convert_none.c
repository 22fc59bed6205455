/* In place of convert.c where configure left msmtp out. */
#include "config.h"
#include "ctl/convert.h"

#include <sysexits.h>

#include "submit/report.h"

int convert_run(int argc, char **argv, struct site *site)
{
    (void)argc, (void)argv;
    report_line(site->program, "this onehop was built without converters (--disable-msmtp)");
    return EX_UNAVAILABLE;
}
