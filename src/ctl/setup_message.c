#include "config.h"
#include "ctl/setup_message.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/translation.h"
#include "submit/report.h"
#include "submit/send.h"

/* Makes the message in the file TEXT, which is standard input then. */
static bool write_to_input(FILE *text, const char *to)
{
    return fprintf(text,
                   "Subject: onehop works\nTo: %s\n\nThis is the test message of onehopctl "
                   "setup.\n",
                   to) >= 0 &&
           fflush(text) == 0 && lseek(fileno(text), 0, SEEK_SET) == 0 &&
           dup2(fileno(text), STDIN_FILENO) == STDIN_FILENO;
}

int setup_message_send(const char *to, struct site *site)
{
    char name[] = "sendmail", end[] = "--", from[] = "-f", *address = (char *)to;
    char *words[] = {name, from, address, end, address, NULL};
    struct invocation call = {0};
    struct error err;
    FILE *text = tmpfile();
    if (!text || !write_to_input(text, to)) {
        report_line(site->program, "cannot write a test message");
        if (text)
            (void)fclose(text);
        return EX_OSERR;
    }
    int code = EX_SOFTWARE;
    if (!site_configure(site, NULL, &err)) { /* the file is in its place now */
        report_error(site->program, &err);
        code = err.code;
    } else if (invocation_parse(&call, 5, words, &err)) {
        code = send_run(&call, site);
    }
    invocation_clear(&call);
    (void)fclose(text); /* read only from now on */
    if (code == EX_OK)
        (void)printf(_("sent       a test message to %s; mailq shows it while it waits\n"), to);
    return code;
}
