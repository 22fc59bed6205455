#include "config.h"
#include "ctl/passwd.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/passwordhash.h"
#include "base/translation.h"
#include "config/users.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/terminal.h"

enum { PHRASE_MAX = 512 }; /* octets, as of crypt(3) */

static bool ask_twice(struct str *password, struct error *err)
{
    struct str again = {.secret = true};
    bool ok = terminal_ask(NULL, _("password: "), password) &&
              terminal_ask(NULL, _("the same again: "), &again);
    if (!ok)
        (void)error_usage(err, "no password was given");
    else if (strcmp(str_text(password), str_text(&again)) != 0)
        ok = error_usage(err, "these were two passwords");
    str_clear(&again);
    return ok;
}

static bool read_password(struct str *password, struct error *err)
{
    if (isatty(STDIN_FILENO))
        return ask_twice(password, err);
    terminal_read_input(password, PHRASE_MAX + 1);
    return true;
}

int passwd_run(int argc, char **argv, struct site *site)
{
    struct str password = {.secret = true}, hash = {0};
    struct error err;
    bool ok =
        (argc == 1 && users_is_name(argv[0])) ||
        error_usage(&err, "a name without blanks and colons is missing: onehopctl passwd USER");
    ok = ok && read_password(&password, &err);
    size_t len = strlen(str_text(&password));
    if (ok && (len == 0 || len > PHRASE_MAX))
        ok = error_usage(&err, "a password has 1 to %d octets", PHRASE_MAX);
    ok = ok && passwordhash_make(&hash, str_text(&password), &err);
    if (ok)
        (void)printf("%s:%s\n", argv[0], str_text(&hash));
    else
        report_error(site->program, &err);
    str_clear(&password);
    str_clear(&hash);
    return ok ? help_flush() : err.code;
}
