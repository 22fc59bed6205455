#include "config.h"
#include "delivery/remedy.h"

#include <string.h>

/* What is between a key and its value in ACCOUNT's file. */
static const char *assignment(const struct account *account)
{
    return account->as_msmtp ? " " : " = ";
}

/* At a port where mail is submitted, the server is away: nothing is wrong with the settings. */
static void append_ports(struct error *err, const struct account *a)
{
    const char *be = assignment(a);
    int port = account_port(a);
    if (port == 587 || port == 465)
        return;
    if (port == 25)
        error_add(err, "; ",
                  "many networks block port 25: try `port%s587` (`tls_starttls%son`) or "
                  "`port%s465` (`tls_starttls%soff`)",
                  be, be, be, be);
    else
        error_add(err, "; ",
                  "mail is submitted at other ports: try `port%s587` (`tls_starttls%son`) or "
                  "`port%s465` (`tls_starttls%soff`)",
                  be, be, be, be);
}

void remedy_append(struct error *err, const struct account *a)
{
    const char *be = assignment(a);
    switch (*a->socket ? FINDING_NONE : err->finding) {
    case FINDING_NONE:
    case FINDING_SILENT:
        break;
    case FINDING_UNREACHABLE:
        append_ports(err, a);
        break;
    case FINDING_NO_TLS:
        if (account_implicit_tls(a))
            error_add(err, "; ", "port %d begins without TLS: set `tls_starttls%son`",
                      account_port(a), be);
        break;
    case FINDING_TLS_FIRST:
        if (a->tls)
            error_add(err, "; ", "port %d speaks TLS from the start: set `tls_starttls%soff`",
                      account_port(a), be);
        else
            error_add(err, "; ",
                      "port %d speaks TLS from the start: set `tls%son` and `tls_starttls%soff`",
                      account_port(a), be, be);
        break;
    case FINDING_NO_STARTTLS:
        error_add(err, "; ",
                  "port %d speaks without TLS: try `port%s465` (`tls_starttls%soff`), and trust "
                  "`tls%soff` only on a network of your own",
                  account_port(a), be, be, be);
        break;
    case FINDING_TOKENS_ONLY:
        error_add(err, "; ",
                  "it takes tokens, not passwords: set `auth%sxoauth2` and a "
                  "`%s` that prints an access token",
                  be, a->as_msmtp ? "passwordeval" : "password_command");
        break;
    }
}
