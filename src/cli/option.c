#include "config.h"
#include "cli/option.h"

#include "base/translation.h"
#include "cli/invocation.h"

#define AT(field) offsetof(struct invocation, field)

const struct option_row option_table[] = {
    {'a', "account", OPTION_REQUIRED, OPT_TEXT, OPTION_SAFE, AT(wishes.account),
     N_("use this account")},
    {'A', NULL, OPTION_REQUIRED, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'b', NULL, OPTION_REQUIRED, OPT_MODE, OPTION_SAFE, 0,
     N_("mode: m send, q queue only, s SMTP on stdin, d service, i newaliases, p list the queue, v "
        "show "
        "where mail would go, V version")},
    {'B', NULL, OPTION_REQUIRED, OPT_BODY, OPTION_SAFE, 0, N_("body type: 7BIT or 8BITMIME")},
    {'c', NULL, OPTION_NONE, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'C', "file", OPTION_REQUIRED, OPT_TEXT, OPTION_UNSAFE, AT(file),
     N_("read this file instead of the user's configuration")},
    {'d', "debug", OPTION_OPTIONAL, OPT_DEBUG, OPTION_SWALLOWED, 0,
     N_("show the dialogue with the server")},
    {'D', NULL, OPTION_REQUIRED, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'e', NULL, OPTION_REQUIRED, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'E', NULL, OPTION_NONE, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'f', "from", OPTION_REQUIRED, OPT_FROM, OPTION_SAFE, 0, N_("envelope sender")},
    {'r', NULL, OPTION_REQUIRED, OPT_FROM, OPTION_SAFE, 0, N_("the same as -f")},
    {'F', NULL, OPTION_REQUIRED, OPT_TEXT, OPTION_SAFE, AT(wishes.full_name),
     N_("full name for a From field that is made")},
    {'G', NULL, OPTION_NONE, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'h', NULL, OPTION_REQUIRED, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'i', NULL, OPTION_NONE, OPT_FLAG, OPTION_SAFE, AT(dots_are_text),
     N_("a line with a single dot does not end the message")},
    {'I', NULL, OPTION_NONE, OPT_INVOKE, OPTION_SAFE, INVOKE_ALIASES, N_("the same as -bi")},
    {'J', NULL, OPTION_REQUIRED, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'L', NULL, OPTION_REQUIRED, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'m', NULL, OPTION_NONE, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'M', NULL, OPTION_OPTIONAL, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'n', NULL, OPTION_NONE, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'N', "dsn-notify", OPTION_REQUIRED, OPT_NOTIFY, OPTION_SAFE, 0,
     N_("delivery status notifications: off, never, or of success,failure,delay")},
    {'o', NULL, OPTION_REQUIRED, OPT_OLD, OPTION_SAFE, 0, ""},
    {'O', NULL, OPTION_REQUIRED, OPT_SENDMAIL, OPTION_SAFE, 0, ""},
    {'p', NULL, OPTION_REQUIRED, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'P', "pretend", OPTION_NONE, OPT_INVOKE, OPTION_UNSAFE, INVOKE_PRINT,
     N_("print the configuration that would be used, send nothing")},
    {'q', NULL, OPTION_OPTIONAL, OPT_RUN, OPTION_SAFE, 0, N_("deliver what is queued")},
    {'R', "dsn-return", OPTION_REQUIRED, OPT_RETURN, OPTION_SAFE, 0,
     N_("what notifications return: off, hdrs or full")},
    {'s', NULL, OPTION_NONE, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'t', "read-recipients", OPTION_NONE, OPT_FLAG, OPTION_SAFE, AT(wishes.read_recipients),
     N_("take recipients from To, Cc and Bcc too")},
    {'U', NULL, OPTION_NONE, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'v', NULL, OPTION_NONE, OPT_FLAG, OPTION_SAFE, AT(verbose),
     N_("show the dialogue with the server")},
    {'V', NULL, OPTION_REQUIRED, OPT_TEXT, OPTION_SAFE, AT(envid), N_("envelope id (RFC 3461)")},
    {'x', NULL, OPTION_REQUIRED, OPT_IGNORED, OPTION_SAFE, 0, ""},
    {'X', NULL, OPTION_REQUIRED, OPT_LOGFILE, OPTION_SWALLOWED, 0, N_("log to this file")},
    {'S', "serverinfo", OPTION_NONE, OPT_INVOKE, OPTION_UNSAFE, INVOKE_SERVERINFO,
     N_("show what the server offers, and its certificate")},
    {0, "add-missing-date-header", OPTION_OPTIONAL, OPT_RENAMED, OPTION_UNSAFE, 0,
     N_("old name of --set-date-header")},
    {0, "add-missing-from-header", OPTION_OPTIONAL, OPT_RENAMED, OPTION_UNSAFE, 0,
     N_("old name of --set-from-header")},
    {0, "configure", OPTION_REQUIRED, OPT_TEXT, OPTION_UNSAFE, AT(configure),
     N_("print a configuration for this mail address")},
    {0, "help", OPTION_NONE, OPT_INVOKE, OPTION_SAFE, INVOKE_HELP, N_("list the options")},
    {0, "host", OPTION_REQUIRED, OPT_TEXT, OPTION_UNSAFE, AT(host),
     N_("use this server and only what the command line says")},
    {0, "logfile", OPTION_REQUIRED, OPT_LOGFILE, OPTION_UNSAFE, 0, N_("the same as -X")},
    {0, "keepbcc", OPTION_OPTIONAL, OPT_RENAMED, OPTION_UNSAFE, 0, N_("leave Bcc in the message")},
    {0, "read-envelope-from", OPTION_NONE, OPT_FLAG, OPTION_SAFE, AT(wishes.read_envelope_from),
     N_("take the envelope sender from the From field")},
    {0, "rmqs", OPTION_REQUIRED, OPT_RMQS, OPTION_UNSAFE, 0,
     N_("ask the server to deliver what it keeps for a host, @domain or #queue (ETRN)")},
    {0, "tls-force-sslv3", OPTION_OPTIONAL, OPT_IGNORED, OPTION_SAFE, 0, N_("has no effect")},
    {0, "undisclosed-recipients", OPTION_OPTIONAL, OPT_RENAMED, OPTION_UNSAFE, 0,
     N_("old name of --set-to-header=undisclosed_recipients")},
    {0, "untrusted-args", OPTION_NONE, OPT_UNTRUSTED, OPTION_SAFE, 0,
     N_("what follows is from somebody else: only harmless options are taken")},
    {0, "version", OPTION_NONE, OPT_INVOKE, OPTION_SAFE, INVOKE_VERSION, N_("show the version")},
};

const size_t option_count = sizeof option_table / sizeof *option_table;

const struct option_row *option_by_letter(char letter)
{
    for (size_t i = 0; i < option_count; i++)
        if (letter && option_table[i].letter == letter)
            return &option_table[i];
    return NULL;
}
