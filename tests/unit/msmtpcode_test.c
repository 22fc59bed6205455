#include "suite.h"

#include "compat/msmtpcode.h"

static const struct {
    const char *name;
    enum error_command command;
    int code, reply_code;
    bool closed;
    int expected;
} cases[] = {
    {"configuration", COMMAND_NONE, EX_CONFIG, 0, false, EX_CONFIG},
    {"usage", COMMAND_NONE, EX_USAGE, 0, false, EX_USAGE},
    {"no password", COMMAND_PASSWORD, EX_CONFIG, 0, false, EX_UNAVAILABLE},
    {"passwordeval failed", COMMAND_PASSWORD, EX_TEMPFAIL, 0, false, EX_CONFIG},
    {"unknown host", COMMAND_CONNECT, EX_NOHOST, 0, false, EX_NOHOST},
    {"connection refused", COMMAND_CONNECT, EX_TEMPFAIL, 0, false, EX_TEMPFAIL},
    {"proxy refused", COMMAND_CONNECT, EX_UNAVAILABLE, 0, false, EX_UNAVAILABLE},
    {"no socket", COMMAND_CONNECT, EX_OSERR, 0, false, EX_OSERR},
    {"greeting 421", COMMAND_GREETING, EX_TEMPFAIL, 421, false, EX_TEMPFAIL},
    {"greeting 554", COMMAND_GREETING, EX_TEMPFAIL, 554, false, EX_PROTOCOL},
    {"closed before the greeting", COMMAND_GREETING, EX_TEMPFAIL, 0, true, EX_PROTOCOL},
    {"malformed greeting", COMMAND_GREETING, EX_PROTOCOL, 0, false, EX_PROTOCOL},
    {"silence", COMMAND_GREETING, EX_TEMPFAIL, 0, false, EX_IOERR},
    {"no STARTTLS", COMMAND_STARTTLS, EX_UNAVAILABLE, 0, false, EX_UNAVAILABLE},
    {"trust file", COMMAND_TLS, EX_NOINPUT, 0, false, EX_NOINPUT},
    {"priorities", COMMAND_TLS, EX_SOFTWARE, 0, false, EX_SOFTWARE},
    {"certificate", COMMAND_TLS, EX_UNAVAILABLE, 0, false, EX_UNAVAILABLE},
    {"handshake", COMMAND_TLS, EX_PROTOCOL, 0, false, EX_PROTOCOL},
    {"handshake took too long", COMMAND_TLS, EX_TEMPFAIL, 0, false, EX_PROTOCOL},
    {"no AUTH", COMMAND_AUTH, EX_UNAVAILABLE, 0, false, EX_UNAVAILABLE},
    {"wrong password", COMMAND_AUTH, EX_NOPERM, 535, false, EX_NOPERM},
    {"login fails for now", COMMAND_AUTH, EX_TEMPFAIL, 454, false, EX_NOPERM},
    {"closed while logging in", COMMAND_AUTH, EX_TEMPFAIL, 0, true, EX_PROTOCOL},
    {"5xx to MAIL", COMMAND_MAIL, EX_DATAERR, 550, false, EX_DATAERR},
    {"5xx to RCPT", COMMAND_RCPT, EX_NOUSER, 550, false, EX_DATAERR},
    {"5xx to DATA", COMMAND_DATA, EX_UNAVAILABLE, 554, false, EX_DATAERR},
    {"4xx to MAIL", COMMAND_MAIL, EX_TEMPFAIL, 451, false, EX_UNAVAILABLE},
    {"530 to MAIL", COMMAND_MAIL, EX_NOPERM, 530, false, EX_DATAERR},
    {"an early reply", COMMAND_CONTENT, EX_PROTOCOL, 250, false, EX_PROTOCOL},
    {"closed in DATA", COMMAND_CONTENT, EX_TEMPFAIL, 0, true, EX_PROTOCOL},
    {"read error in DATA", COMMAND_CONTENT, EX_TEMPFAIL, 0, false, EX_IOERR},
    {"5xx to the content", COMMAND_CONTENT, EX_UNAVAILABLE, 554, false, EX_UNAVAILABLE},
    {"4xx to the content", COMMAND_CONTENT, EX_TEMPFAIL, 451, false, EX_UNAVAILABLE},
};

static void codes_are_msmtps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {.command = cases[i].command,
                            .code = cases[i].code,
                            .reply_code = cases[i].reply_code,
                            .closed = cases[i].closed};
        print_message("# %s\n", cases[i].name);
        assert_int_equal(msmtpcode_of(&err), cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(codes_are_msmtps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
